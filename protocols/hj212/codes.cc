#include "protocols/hj212/codes.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace carbongate::hj212 {
namespace {

constexpr auto kSystems = std::to_array<Code>({
    {21, "surface water quality", "地表水质量监测"},
    {22, "air quality", "空气质量监测"},
    {23, "acoustic environment", "声环境质量监测"},
    {24, "groundwater quality", "地下水质量监测"},
    {25, "soil quality", "土壤质量监测"},
    {26, "sea water quality", "海水质量监测"},
    {27, "volatile organic compounds", "挥发性有机物监测"},
    {31, "air pollution source", "大气环境污染源"},
    {32, "surface water pollution source", "地表水体环境污染源"},
    {33, "groundwater pollution source", "地下水体环境污染源"},
    {34, "sea pollution source", "海洋环境污染源"},
    {35, "soil pollution source", "土壤环境污染源"},
    {36, "noise source", "声环境污染源"},
    {37, "vibration source", "振动环境污染源"},
    {38, "radioactive source", "放射性环境污染源"},
    {39, "construction dust", "工地扬尘污染源"},
    {41, "electromagnetic source", "电磁环境污染源"},
    {51, "flue-gas process", "烟气排放过程监控"},
    {52, "sewage process", "污水排放过程监控"},
    {91, "system interaction", "系统交互"},
});

constexpr auto kCommands = std::to_array<Code>({
    {1000, "set timeout and retries", "设置超时时间及重发次数"},
    {1001, "upload serial numbers (2025)", "上传数采仪硬件编号"},
    {1002, "set MN (2025)", "设置设备唯一标识"},
    {1011, "get the time", "提取现场机时间"},
    {1012, "set the time", "设置现场机时间"},
    {1013, "ask for the time to be set", "现场机时间校准请求"},
    {1014, "new key (2025)", "更新密钥"},
    {1061, "get the interval of real-time data", "提取实时数据间隔"},
    {1062, "set the interval of real-time data", "设置实时数据间隔"},
    {1063, "get the interval of minute data", "提取分钟数据间隔"},
    {1064, "set the interval of minute data", "设置分钟数据间隔"},
    {1072, "set the password", "设置现场机密码"},
    {2011, "real-time data", "污染物实时数据"},
    {2012, "stop real-time data", "停止察看实时数据"},
    {2013, "periodic raw data (2025)", "周期性原始数据"},
    {2021, "state of equipment", "设备运行状态数据"},
    {2022, "stop state of equipment", "停止察看设备运行状态"},
    {2031, "day data", "污染物日历史数据"},
    {2041, "running time of equipment of the day", "设备运行时间日历史数据"},
    {2051, "minute data", "污染物分钟数据"},
    {2052, "noise event (2025)", "噪声事件数据"},
    {2061, "hour data", "污染物小时数据"},
    {2062, "automatic standard check (2025)", "自动标样核查"},
    {2081, "restart of the logger", "数采仪开机时间"},
    {2111, "furnace temperature, mean of 5 minutes (2025)", "炉膛温度5分钟均值"},
    {3011, "calibrate zero and span", "零点校准量程校准"},
    {3012, "sample at once", "即时采样"},
    {3013, "clean or blow back", "启动清洗反吹"},
    {3014, "comparison sample", "比对采样"},
    {3015, "keep a sample over the limit", "超标留样"},
    {3016, "set the cycle of sampling", "设置采样时间周期"},
    {3017, "get the cycle of sampling", "提取采样时间周期"},
    {3018, "get the time of a sample", "提取出样时间"},
    {3019, "get the serial number of an analyser", "提取设备唯一标识"},
    {3020, "field-side information", "提取现场机信息"},
    {3021, "set a parameter of the field side", "设置现场机参数"},
    {3022, "keep a sample at once (2025)", "即时留样"},
    {3024, "begin a standard check (2025)", "启动标样核查"},
    {9011, "answer to a request", "请求应答"},
    {9012, "result of execution", "执行结果"},
    {9013, "answer to a notification", "通知应答"},
    {9014, "answer to data", "数据应答"},
    {9015, "heartbeat (2025)", "心跳"},
});

constexpr auto kRequestResults = std::to_array<Code>({
    {1, "ready", "准备执行请求"},
    {2, "refused", "请求被拒绝"},
    {3, "wrong PW", "PW错误"},
    {4, "wrong MN", "MN错误"},
    {5, "wrong ST", "ST错误"},
    {6, "wrong Flag", "Flag错误"},
    {7, "wrong QN", "QN错误"},
    {8, "wrong CN", "CN错误"},
    {9, "wrong CRC", "CRC校验错误"},
    {100, "unknown error", "未知错误"},
});

constexpr auto kExecutionResults = std::to_array<Code>({
    {1, "done", "执行成功"},
    {2, "failed", "执行失败, 原因未知"},
    {3, "wrong condition", "命令请求条件错误"},
    {4, "communication timed out", "通讯超时"},
    {5, "busy", "系统繁忙不能执行"},
    {6, "system fault", "系统故障"},
    {100, "no data", "没有数据"},
});

const Code* find(std::span<const Code> codes, std::string_view text) {
  std::uint16_t code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return nullptr;
  const auto found = std::ranges::find(codes, code, &Code::code);
  return found == codes.end() ? nullptr : &*found;
}

}  // namespace

const Code* find_system(std::string_view st) {
  return find(kSystems, st);
}
const Code* find_command(std::string_view cn) {
  return find(kCommands, cn);
}
const Code* find_request_result(std::string_view qn_rtn) {
  return find(kRequestResults, qn_rtn);
}
const Code* find_execution_result(std::string_view exe_rtn) {
  return find(kExecutionResults, exe_rtn);
}
std::span<const Code> commands() {
  return kCommands;
}

}  // namespace carbongate::hj212
