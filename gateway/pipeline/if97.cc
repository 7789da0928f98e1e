#include "gateway/pipeline/if97.h"

#include <array>
#include <cmath>

namespace carbongate::pipeline::if97 {
namespace {

constexpr double kGasConstant = 0.461526;  // kJ/(kg K), equation 1
constexpr double kKelvinMin = 273.15;
constexpr double kRegion13 = 623.15;  // K: where regions 1 and 2 end at the saturation line
constexpr double kMpaMax = 100;
constexpr double kMpaTriple = 611.213e-6;  // p_s(273.15 K)
constexpr double kCriticalMpa = 22.064;
constexpr double kCriticalKelvin = 647.096;

struct Term {
  int i;
  int j;
  double n;
};

// Table 2.
constexpr std::array kRegion1{
    Term{0, -2, 0.14632971213167},        Term{0, -1, -0.84548187169114},       Term{0, 0, -0.37563603672040e1},
    Term{0, 1, 0.33855169168385e1},       Term{0, 2, -0.95791963387872},        Term{0, 3, 0.15772038513228},
    Term{0, 4, -0.16616417199501e-1},     Term{0, 5, 0.81214629983568e-3},      Term{1, -9, 0.28319080123804e-3},
    Term{1, -7, -0.60706301565874e-3},    Term{1, -1, -0.18990068218419e-1},    Term{1, 0, -0.32529748770505e-1},
    Term{1, 1, -0.21841717175414e-1},     Term{1, 3, -0.52838357969930e-4},     Term{2, -3, -0.47184321073267e-3},
    Term{2, 0, -0.30001780793026e-3},     Term{2, 1, 0.47661393906987e-4},      Term{2, 3, -0.44141845330846e-5},
    Term{2, 17, -0.72694996297594e-15},   Term{3, -4, -0.31679644845054e-4},    Term{3, 0, -0.28270797985312e-5},
    Term{3, 6, -0.85205128120103e-9},     Term{4, -5, -0.22425281908000e-5},    Term{4, -2, -0.65171222895601e-6},
    Term{4, 10, -0.14341729937924e-12},   Term{5, -8, -0.40516996860117e-6},    Term{8, -11, -0.12734301741641e-8},
    Term{8, -6, -0.17424871230634e-9},    Term{21, -29, -0.68762131295531e-18}, Term{23, -31, 0.14478307828521e-19},
    Term{29, -38, 0.26335781662795e-22},  Term{30, -39, -0.11947622640071e-22}, Term{31, -40, 0.18228094581404e-23},
    Term{32, -41, -0.93537087292458e-25},
};

// Table 10, the ideal-gas part; i is not used.
constexpr std::array kRegion2Ideal{
    Term{0, 0, -0.96927686500217e1},  Term{0, 1, 0.10086655968018e2}, Term{0, -5, -0.56087911283020e-2},
    Term{0, -4, 0.71452738081455e-1}, Term{0, -3, -0.40710498223928}, Term{0, -2, 0.14240819171444e1},
    Term{0, -1, -0.43839511319450e1}, Term{0, 2, -0.28408632460772},  Term{0, 3, 0.21268463753307e-1},
};

// Table 11, the residual part.
constexpr std::array kRegion2Residual{
    Term{1, 0, -0.17731742473213e-2},    Term{1, 1, -0.17834862292358e-1},    Term{1, 2, -0.45996013696365e-1},
    Term{1, 3, -0.57581259083432e-1},    Term{1, 6, -0.50325278727930e-1},    Term{2, 1, -0.33032641670203e-4},
    Term{2, 2, -0.18948987516315e-3},    Term{2, 4, -0.39392777243355e-2},    Term{2, 7, -0.43797295650573e-1},
    Term{2, 36, -0.26674547914087e-4},   Term{3, 0, 0.20481737692309e-7},     Term{3, 1, 0.43870667284435e-6},
    Term{3, 3, -0.32277677238570e-4},    Term{3, 6, -0.15033924542148e-2},    Term{3, 35, -0.40668253562649e-1},
    Term{4, 1, -0.78847309559367e-9},    Term{4, 2, 0.12790717852285e-7},     Term{4, 3, 0.48225372718507e-6},
    Term{5, 7, 0.22922076337661e-5},     Term{6, 3, -0.16714766451061e-10},   Term{6, 16, -0.21171472321355e-2},
    Term{6, 35, -0.23895741934104e2},    Term{7, 0, -0.59059564324270e-17},   Term{7, 11, -0.12621808899101e-5},
    Term{7, 25, -0.38946842435739e-1},   Term{8, 8, 0.11256211360459e-10},    Term{8, 36, -0.82311340897998e1},
    Term{9, 13, 0.19809712802088e-7},    Term{10, 4, 0.10406965210174e-18},   Term{10, 10, -0.10234747095929e-12},
    Term{10, 14, -0.10018179379511e-8},  Term{16, 29, -0.80882908646985e-10}, Term{16, 50, 0.10693031879409},
    Term{18, 57, -0.33662250574171},     Term{20, 20, 0.89185845355421e-24},  Term{20, 35, 0.30629316876232e-12},
    Term{20, 48, -0.42002467698208e-5},  Term{21, 21, -0.59056029685639e-25}, Term{22, 53, 0.37826947613457e-5},
    Term{23, 39, -0.12768608934681e-14}, Term{24, 26, 0.73087610595061e-28},  Term{24, 40, 0.55414715350778e-16},
    Term{24, 58, -0.94369707241210e-6},
};

// Table 34; n[0] is not used, so that the numbers are those of the release.
constexpr std::array kRegion4{0.0,
                              0.11670521452767e4,
                              -0.72421316703206e6,
                              -0.17073846940092e2,
                              0.12020824702470e5,
                              -0.32325550322333e7,
                              0.14915108613530e2,
                              -0.48232657361591e4,
                              0.40511340542057e6,
                              -0.23855557567849,
                              0.65017534844798e3};

// Equation 5, table 1: the pressure at which region 2 ends above 623.15 K.
double boundary23_mpa(double kelvin) {
  return 0.34805185628969e3 - 0.11671859879975e1 * kelvin + 0.10192970039326e-2 * kelvin * kelvin;
}

double power(double base, int exponent) {
  return std::pow(base, exponent);
}

}  // namespace

std::optional<double> saturation_mpa(double kelvin) {
  if (!(kelvin >= kKelvinMin && kelvin <= kCriticalKelvin)) return std::nullopt;
  const auto& n = kRegion4;
  const double theta = kelvin + n[9] / (kelvin - n[10]);
  const double a = theta * theta + n[1] * theta + n[2];
  const double b = n[3] * theta * theta + n[4] * theta + n[5];
  const double c = n[6] * theta * theta + n[7] * theta + n[8];
  return power(2 * c / (-b + std::sqrt(b * b - 4 * a * c)), 4);
}

std::optional<double> saturation_kelvin(double mpa) {
  if (!(mpa >= kMpaTriple && mpa <= kCriticalMpa)) return std::nullopt;
  const auto& n = kRegion4;
  const double beta = std::sqrt(std::sqrt(mpa));
  const double e = beta * beta + n[3] * beta + n[6];
  const double f = n[1] * beta * beta + n[4] * beta + n[7];
  const double g = n[2] * beta * beta + n[5] * beta + n[8];
  const double d = 2 * g / (-f - std::sqrt(f * f - 4 * e * g));
  const double sum = n[10] + d;
  return (sum - std::sqrt(sum * sum - 4 * (n[9] + n[10] * d))) / 2;
}

std::optional<double> water_enthalpy(double mpa, double kelvin) {
  // The two saturation equations agree to 1e-8: water on the line itself is water.
  const auto saturated = saturation_mpa(kelvin);
  if (!saturated || kelvin > kRegion13 || !(mpa >= *saturated * (1 - 1e-7) && mpa <= kMpaMax)) return std::nullopt;
  const double pi = mpa / 16.53;
  const double tau = 1386 / kelvin;
  double sum = 0;
  for (const Term& t : kRegion1) sum += t.n * power(7.1 - pi, t.i) * t.j * power(tau - 1.222, t.j - 1);
  return kGasConstant * kelvin * tau * sum;
}

std::optional<double> steam_enthalpy(double mpa, double kelvin) {
  if (!(kelvin >= kKelvinMin && kelvin <= 1073.15 && mpa > 0 && mpa <= kMpaMax)) return std::nullopt;
  if (kelvin <= kRegion13) {
    if (mpa > *saturation_mpa(kelvin) * (1 + 1e-7)) return std::nullopt;
  } else if (kelvin <= 863.15 && mpa > boundary23_mpa(kelvin)) {
    return std::nullopt;
  }
  const double tau = 540 / kelvin;
  double sum = 0;
  for (const Term& t : kRegion2Ideal) sum += t.n * t.j * power(tau, t.j - 1);
  for (const Term& t : kRegion2Residual) sum += t.n * power(mpa, t.i) * t.j * power(tau - 0.5, t.j - 1);
  return kGasConstant * kelvin * tau * sum;
}

std::optional<Saturation> saturation(double mpa) {
  const auto kelvin = saturation_kelvin(mpa);
  if (!kelvin || *kelvin > kRegion13) return std::nullopt;
  const auto water = water_enthalpy(mpa, *kelvin);
  const auto steam = steam_enthalpy(mpa, *kelvin);
  if (!water || !steam) return std::nullopt;
  return Saturation{.kelvin = *kelvin, .water = *water, .steam = *steam};
}

}  // namespace carbongate::pipeline::if97
