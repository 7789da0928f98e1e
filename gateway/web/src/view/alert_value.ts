// What an alert is about, in the words of a reader.
import type {Alert} from '../lib/api_types.ts';
import {isKnown} from '../lib/format.ts';
import type {Ui} from './ui.ts';

// Of what is either so or not, as whether a device answers: 1 or 0, and no limit to tell.
export const STATE_UNIT = '1';

export function alertValue(alert: Alert, ui: Ui, digits?: number): string | undefined {
  if (!isKnown(alert.value)) return undefined;
  if (alert.unit === STATE_UNIT && (alert.value === 0 || alert.value === 1)) return ui.t(alert.value === 1 ? 'alerts.yes' : 'alerts.no');
  return ui.quantity(alert.value, alert.unit, digits);
}
