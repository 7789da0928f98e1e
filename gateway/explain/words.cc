#include "gateway/explain/words.h"

namespace carbongate::explain {

using model::Cause;
using model::Origin;
using model::Rule;

Words words_of(Origin origin) {
  switch (origin) {
    case Origin::measured: return {"实测", "As the meter said."};
    case Origin::late: return {"迟到", "Measured, but heard too late for live use; counted all the same."};
    case Origin::estimated:
      return {"估计", "Exact in sum, estimated in its distribution over time, or beyond a doubtful step."};
    case Origin::substituted: return {"替代", "Filled in by a substitution rule."};
    case Origin::manual: return {"手工", "Typed in by a person."};
    case Origin::missing: return {"缺失", "There is no usable value."};
  }
  return {};
}

Words words_of(Rule rule) {
  switch (rule) {
    case Rule::none: return {};
    case Rule::not_a_number: return {"非数值", "The value was not a number or infinite; it was rejected."};
    case Rule::not_available: return {"无数据", "The device itself said that it had no value."};
    case Rule::range: return {"超限", "The value lay outside of the limits of its point; it was rejected."};
    case Rule::future: return {"时标超前", "The value was stamped later than the gateway's own clock allows."};
    case Rule::stale: return {"时标过旧", "The value was heard long after it was measured."};
    case Rule::out_of_order: return {"乱序", "The reading is older than one that was counted already."};
    case Rule::duplicate: return {"重复", "A reading of the same instant was counted already."};
    case Rule::pending: return {"待定", "A doubtful step of the counter, which the next readings decide."};
    case Rule::glitch: return {"毛刺", "A doubtful step of the counter that was taken back; it was not counted."};
    case Rule::reset: return {"清零", "The counter started again: a new baseline, the step itself is not counted."};
    case Rule::rollover:
      return {
          "翻转",
          "The counter went through the end of its register and was counted on. Exact, unless estimated: then it may "
          "have gone round more often unseen, and the least is booked."};
    case Rule::gap:
      return {"间断",
              "No reading for longer than gap_max. A counter: exact in sum, spread evenly. A rate: not counted."};
    case Rule::no_factor: return {"无因子", "No emission factor applied at that time: the emission is missing."};
    case Rule::replaced: return {"换表", "The meter was exchanged; exact where that was announced."};
    case Rule::ratio_change: return {"变比变更", "The ratio of the transformers changed."};
    case Rule::backwards: return {"倒转", "The counter ran backwards where it must not; that part is not booked."};
    case Rule::stalled: return {"停滞", "The counter stood still and caught up: exact in sum, spread over the time."};
    case Rule::stopped: return {"停运", "The plant stood still, as its own data prove: a valid zero."};
    case Rule::maintenance: return {"维护", "The instrument was being maintained."};
    case Rule::calibration: return {"校准", "The instrument was being calibrated."};
    case Rule::fault: return {"故障", "The instrument said that it was broken."};
    case Rule::input_missing: return {"输入缺失", "An input of the derived point was missing or rejected."};
    case Rule::input_stale: return {"输入过旧", "An input of the derived point was older than its max_age."};
    case Rule::out_of_validity: return {"超出适用范围", "An input lay outside of what the formula is valid for."};
    case Rule::max_180h: return {"180小时最大值", "Substituted by the greatest of the last 180 valid hours (HJ 75)."};
    case Rule::max_720h: return {"720小时最大值", "Substituted by the greatest of the last 720 valid hours (HJ 75)."};
    case Rule::max_2160h:
      return {"2160小时最大值", "Substituted by the greatest of the last 2160 valid hours (HJ 75)."};
    case Rule::same_weekday: return {"同星期均值", "Substituted by the mean of the same hour of the same weekday."};
    case Rule::hour_mean: return {"小时均值", "A valid hour not wholly watched: its mean stands for the rest."};
    case Rule::clock:
    case Rule::device_clock:
    case Rule::clock_stopped:
    case Rule::device_clock_stopped:
    case Rule::clock_manual:
    case Rule::device_clock_manual:
      return {"时钟未知", "Heard while nobody knew the time; counted as a further reading once the clock was set."};
    case Rule::over_range: return {"超量程", "The instrument said that it was beyond its range."};
    case Rule::no_coal_factor:
      return {"无折标系数", "No coefficient of standard coal applied at that time: the standard coal is missing."};
    case Rule::no_market_factor:
      return {
          "无市场法因子",
          "The market-based factor chosen did not apply at that time: the next one in the hierarchy stands in for it."};
    case Rule::unknown_flag: return {"未知标记", "Marked by a flag that HJ 212 does not have."};
  }
  return {"未知规则", "A rule of another version of this program."};
}

Words words_of(Cause cause) {
  switch (cause) {
    case Cause::late_data: return {"迟到数据", "Readings arrived after the interval was closed."};
    case Cause::configuration: return {"配置修正", "A repaired configuration: scale, byte order, ratio or point."};
    case Cause::factor: return {"因子更新", "Another factor, or a new version of it."};
    case Cause::substitution: return {"数据替代", "Missing data were filled in by a rule."};
    case Cause::certificate: return {"绿证", "Green certificates or contracts were allocated to the period."};
    case Cause::manual: return {"人工", "Entered by a person."};
  }
  return {};
}

}  // namespace carbongate::explain
