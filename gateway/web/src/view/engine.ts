// Apache ECharts, as far as it is used. A chunk of its own: the page stands before it is there.
import {BarChart, HeatmapChart, LineChart, SankeyChart} from 'echarts/charts';
import {AriaComponent, DataZoomInsideComponent, GridComponent, TooltipComponent, VisualMapContinuousComponent} from 'echarts/components';
import {init, use} from 'echarts/core';
import {CanvasRenderer} from 'echarts/renderers';

use([AriaComponent, BarChart, CanvasRenderer, DataZoomInsideComponent, GridComponent, HeatmapChart, LineChart, SankeyChart, TooltipComponent, VisualMapContinuousComponent]);

export {init};
