#include "gateway/model/hj212_flag.h"

namespace carbongate::model {

char to_hj212_flag(Quality quality) {
  switch (quality.origin) {
    case Origin::measured: return quality.rule == Rule::stopped ? 'F' : 'N';
    case Origin::late: return 'N';
    case Origin::estimated:
    case Origin::substituted:
    case Origin::manual: return 'S';
    case Origin::missing: break;
  }
  switch (quality.rule) {
    case Rule::maintenance: return 'M';
    case Rule::calibration: return 'C';
    case Rule::range: return 'T';
    case Rule::gap: return 'B';
    default: return 'D';
  }
}

std::optional<Quality> from_hj212_flag(char flag) {
  switch (flag) {
    case 'N': return Quality{};
    case 'F': return Quality{Origin::measured, Rule::stopped};
    case 'M': return Quality{Origin::missing, Rule::maintenance};
    case 'S': return Quality{Origin::manual, Rule::none};
    case 'D': return Quality{Origin::missing, Rule::fault};
    case 'C': return Quality{Origin::missing, Rule::calibration};
    case 'T': return Quality{Origin::missing, Rule::range};
    case 'B': return Quality{Origin::missing, Rule::gap};
    default: return std::nullopt;
  }
}

}  // namespace carbongate::model
