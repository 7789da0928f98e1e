#include "gateway/cli/explain_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <string_view>

#include "gateway/explain/words.h"
#include "gateway/ledger/chain.h"
#include "gateway/ledger/key.h"
#include "gateway/model/carrier.h"
#include "gateway/model/coverage.h"
#include "gateway/model/entry_name.h"
#include "gateway/model/stated.h"
#include "gateway/tables/number_text.h"

namespace carbongate::cli {
namespace {

namespace json = boost::json;
using explain::Breakdown;
using explain::BreakdownLine;
using explain::DerivedUsed;
using explain::Explanation;
using explain::FactorUsed;
using explain::Formula;
using explain::PointUsed;

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(json::string(text));
}

json::value number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return json::value(json::string(tables::number_text(value)));
}

json::value number(const std::optional<double>& value) {
  return value ? number(*value) : json::value(nullptr);
}

json::value time(Instant at) {
  return json::value(model::format_utc(at));
}
json::value time(const std::optional<Instant>& at) {
  return at ? time(*at) : json::value(nullptr);
}

std::string kilograms(std::int64_t milligrams) {
  return model::format_fixed(milligrams, model::kMilligramsPerKilogram);
}

std::string percent(std::int64_t ppm) {
  return model::format_fixed(ppm, 10'000);
}

std::string amount(model::Activity a, const model::Carrier* carrier) {
  return model::format_fixed(a.quanta(), carrier ? carrier->quanta_per_display : 1);
}

json::object quality(model::Quality q) {
  return {{"origin", to_string(q.origin)}, {"rule", text_or_null(to_string(q.rule))}};
}

json::object quality_with_meaning(model::Quality q) {
  json::object object = quality(q);
  object["origin_meaning"] = explain::words_of(q.origin).sentence;
  object["rule_meaning"] = text_or_null(explain::words_of(q.rule).sentence);
  return object;
}

json::object emitted(const model::Emission& emission, model::Scope scope) {
  const model::Stated stated = model::stated(emission, scope);
  json::object gases;
  emission.emitted.gases.each(
      [&](model::Gas gas, model::GasMass mass) { gases[to_string(gas)] = kilograms(mass.quanta()); });
  return {{"co2e_kg", kilograms(emission.emitted.co2e.quanta())},
          {"gases_kg", std::move(gases)},
          {"u95_activity_kg", kilograms(emission.emitted.u95_activity.quanta())},
          {"u95_factor_kg", kilograms(emission.emitted.u95_factor.quanta())},
          {"u95_kg", stated == model::Stated::none ? json::value(nullptr)
                                                   : json::value(kilograms(emission.emitted.u95().quanta()))},
          {"u95_stated", to_string(stated)},
          {"factor_id", text_or_null(emission.factor_id)},
          {"factor_version", text_or_null(emission.factor_version)},
          {"gwp_set", text_or_null(emission.gwp_set)}};
}

json::object figures(const model::EmissionEntry& entry, const model::Carrier* carrier, model::Scope scope) {
  return {{"amount", amount(entry.amount, carrier)},
          {"unit", carrier ? carrier->display.symbol : ""},
          {"covered_ms", entry.covered.count()},
          {"coverage_percent", model::coverage_percent(entry.covered, entry.end - entry.begin)},
          {"quality", quality_with_meaning(entry.quality)},
          {"location_based", emitted(entry.primary, scope)},
          {"market_based", entry.market ? json::value(emitted(*entry.market, scope)) : json::value(nullptr)},
          {"coal_kgce", kilograms(entry.coal.quanta())},
          {"coal_factor_id", text_or_null(entry.coal_factor_id)}};
}

json::object ledger_place(const explain::LedgerPlace& place) {
  json::object object{{"number", place.number},
                      {"hash", place.number == 0 ? json::value(nullptr) : json::value(ledger::to_hex(place.hash))},
                      {"hash_before", place.before ? json::value(ledger::to_hex(*place.before)) : json::value(nullptr)},
                      {"hash_fits", place.hash_fits},
                      {"trouble", text_or_null(place.trouble)},
                      {"seal", nullptr}};
  if (place.seal) {
    const ledger::Seal& seal = place.seal->seal;
    object["seal"] = json::object{{"number", seal.number},
                                  {"first", seal.first},
                                  {"last", seal.last},
                                  {"sealed_at", time(seal.sealed_at)},
                                  {"key_fingerprint", ledger::fingerprint(seal.key)},
                                  {"genuine", place.seal_genuine}};
  }
  return object;
}

json::array revisions(const Explanation& e) {
  json::array list;
  for (const explain::Revision& revision : e.revisions) {
    json::object object{{"revision", revision.entry.revision},
                        {"cause", nullptr},
                        {"note", nullptr},
                        {"booked_at", nullptr},
                        {"figures", figures(revision.entry, e.carrier, e.series.scope)},
                        {"journal_row", revision.sequence},
                        {"ledger", ledger_place(revision.ledger)}};
    if (const auto& correction = revision.entry.correction) {
      object["cause"] = to_string(correction->cause);
      object["note"] = correction->note;
      object["booked_at"] = time(correction->booked_at);
    }
    list.push_back(std::move(object));
  }
  return list;
}

json::object factor(const FactorUsed& used, const model::Carrier* carrier) {
  json::array lookup;
  for (const std::string& step : used.lookup) lookup.emplace_back(step);
  json::object object{{"id", text_or_null(used.id)},
                      {"version", text_or_null(used.version)},
                      {"missing", text_or_null(used.missing)},
                      {"lookup", std::move(lookup)},
                      {"valid_until", time(used.valid_until)},
                      {"chosen_now", used.chosen_now ? json::value(*used.chosen_now) : json::value(nullptr)}};
  if (used.choice) {
    object["series"] = json::object{{"set", used.choice->set},
                                    {"carrier", carrier ? carrier->id : ""},
                                    {"region", used.choice->region},
                                    {"method", used.choice->method}};
  }
  object["former"] = used.former;
  if (!used.factor) return object;
  const model::Factor& f = *used.factor;
  object["value"] = f.value_text;
  object["unit"] = f.unit_text;
  object["formula"] = text_or_null(f.formula);
  object["ncv"] = text_or_null(f.ncv_text);
  object["ncv_unit"] = text_or_null(f.ncv_unit_text);
  object["carbon_t_per_gj"] = text_or_null(f.carbon_text);
  object["oxidation_percent"] = text_or_null(f.oxidation_text);
  object["valid_from"] = time(f.valid_from);
  object["source"] = f.source;
  object["publication"] = f.publication;
  object["set"] = f.set;
  object["inherited_from"] = text_or_null(f.inherited_from);
  object["confidence"] = f.confidence;
  object["u95_percent"] = f.u95_ppm == 0 ? json::value(nullptr) : json::value(percent(f.u95_ppm));
  object["gwp_set"] = text_or_null(f.gwp_set);
  object["note"] = text_or_null(f.note);
  return object;
}

std::string_view name_of(explain::Result result) {
  switch (result) {
    case explain::Result::primary: return "location_based";
    case explain::Result::market: return "market_based";
    case explain::Result::coal: return "standard_coal";
  }
  return "";
}

json::array formulas(const Explanation& e) {
  json::array list;
  for (const Formula& formula : e.formulas) {
    json::array products;
    for (const explain::Product& p : formula.products) {
      products.push_back({{"of", p.of},
                          {"factor_kg_per_unit", p.factor},
                          {"exact_kg", p.exact},
                          {"booked_kg", p.booked},
                          {"carried_kg", p.carried},
                          {"fits", p.fits},
                          {"gwp", text_or_null(p.gwp)}});
    }
    list.push_back(json::object{{"result", name_of(formula.result)},
                                {"of", formula.entered ? "entered" : "computed"},
                                {"amount", amount(formula.amount, e.carrier)},
                                {"unit", e.carrier->display.symbol},
                                {"revisions", formula.steps},
                                {"products", std::move(products)},
                                {"beside_kg", formula.beside},
                                {"factor", factor(formula.factor, e.carrier)}});
  }
  return list;
}

std::string_view name_of(explain::ReadingUsed::Place place) {
  using Place = explain::ReadingUsed::Place;
  return place == Place::before ? "before" : place == Place::within ? "within" : "after";
}

json::value origin(const std::optional<Origin>& from) {
  if (!from) return nullptr;
  return json::object{{"where", from->where}, {"decoding", from->decoding}};
}

json::object derived(const DerivedUsed& d, const model::Carrier* carrier);

json::object point(const PointUsed& p, const model::Carrier* carrier) {
  static constexpr std::string_view kKinds[] = {"cumulative", "interval", "instantaneous"};
  json::array notes, readings, unwatched, beside;
  for (const std::string& note : p.notes) notes.emplace_back(note);
  for (const explain::ReadingUsed& r : p.readings) {
    readings.push_back(
        json::object{{"at", time(r.at)},
                     {"place", name_of(r.place)},
                     {"value", number(r.value)},
                     {"repaired", number(r.repaired)},
                     {"quality", quality(r.quality)},
                     {"moved", r.moved ? json::value(amount(*r.moved, carrier)) : json::value(nullptr)},
                     {"moved_since", time(r.moved_since)},
                     {"counted", r.counted ? json::value(amount(*r.counted, carrier)) : json::value(nullptr)},
                     {"held_until", time(r.held_until)},
                     {"bytes", r.bytes ? json::value(*r.bytes) : json::value(nullptr)},
                     {"bytes_from", !r.bytes              ? json::value(nullptr)
                                    : std::isnan(r.value) ? "register"
                                                          : "value"},
                     {"bytes_missing", text_or_null(r.bytes_missing)}});
  }
  for (const explain::Unwatched& u : p.unwatched) {
    json::object rejected;
    for (const auto& [rule, count] : u.rejected) rejected[to_string(rule)] = count;
    unwatched.push_back(
        json::object{{"from", time(u.from)}, {"until", time(u.until)}, {"rejected", std::move(rejected)}});
  }
  for (const explain::BesideReadings& b : p.beside) {
    beside.push_back(json::object{
        {"cause", to_string(b.cause)}, {"amount", amount(b.amount, carrier)}, {"note", text_or_null(b.note)}});
  }
  return {{"device", p.device},
          {"point", p.point},
          {"unit", p.unit},
          {"kind", p.kind ? json::value(kKinds[static_cast<std::size_t>(*p.kind)]) : json::value(nullptr)},
          {"missing", text_or_null(p.missing)},
          {"origin", origin(p.origin)},
          {"notes", std::move(notes)},
          {"readings_dropped", p.dropped},
          {"worked_out_again", p.worked_out},
          {"readings_within", p.readings_within},
          {"readings_left_out", p.left_out},
          {"readings", std::move(readings)},
          {"unwatched", std::move(unwatched)},
          {"counted_again", p.counted ? json::value(amount(*p.counted, carrier)) : json::value(nullptr)},
          {"beside", std::move(beside)},
          {"derived", p.derived ? json::value(derived(*p.derived, carrier)) : json::value(nullptr)}};
}

json::object derived(const DerivedUsed& d, const model::Carrier* carrier) {
  json::array inputs, figures_used;
  for (const explain::InputUsed& input : d.inputs) {
    inputs.push_back(
        json::object{{"role", input.role},
                     {"weight", number(input.weight)},
                     {"value", number(input.value)},
                     {"unit", input.unit},
                     {"at", time(input.at)},
                     {"moved", number(input.moved)},
                     {"point", input.point ? json::value(point(*input.point, carrier)) : json::value(nullptr)}});
  }
  for (const explain::FigureUsed& f : d.figures) {
    figures_used.push_back(json::object{{"name", f.name}, {"value", number(f.value)}, {"unit", f.unit}});
  }
  return {{"formula", d.formula},
          {"text", d.text},
          {"at", time(d.at)},
          {"result", number(d.result)},
          {"moved", number(d.moved)},
          {"unit", d.unit},
          {"inputs", std::move(inputs)},
          {"figures", std::move(figures_used)},
          {"computed", number(d.computed)},
          {"missing", text_or_null(d.missing)}};
}

json::array certificates(const Explanation& e) {
  json::array list;
  for (const model::Certificate& c : e.certificates) {
    if (c.contract) continue;
    list.push_back(json::object{{"serial", c.serial},
                                {"volume", amount(c.volume, e.carrier)},
                                {"generated_from", time(c.generated_from)},
                                {"generated_until", time(c.generated_until)},
                                {"plant", c.plant},
                                {"technology", c.technology},
                                {"retired", c.retired}});
  }
  return list;
}

json::array contracts(const Explanation& e) {
  json::array list;
  for (const model::Certificate& c : e.certificates) {
    if (!c.contract) continue;
    json::array users;
    for (const std::string& user : c.users) users.emplace_back(user);
    list.push_back(json::object{{"id", c.contract->id},
                                {"delivery", c.serial},
                                {"supplier", c.contract->supplier},
                                {"volume", amount(c.volume, e.carrier)},
                                {"factor", c.contract->factor_text},
                                {"users", std::move(users)},
                                {"delivered_from", time(c.generated_from)},
                                {"delivered_until", time(c.generated_until)},
                                {"source", text_or_null(c.contract->source)}});
  }
  return list;
}

json::value interval(const Explanation& e) {
  if (!e.interval) return nullptr;
  return json::object{
      {"amount", amount(e.interval->amount, e.carrier)},
      {"covered_ms", e.interval->covered.count()},
      {"coverage_percent", model::coverage_percent(e.interval->covered, e.interval->end - e.interval->begin)},
      {"quality", quality(e.interval->quality)}};
}

json::object object_of(const Explanation& e, const model::Site& site) {
  return {
      {"entry", model::to_string(e.name)},
      {"site", e.series.site},
      {"timezone", site.time_zone},
      {"user", e.series.user},
      {"user_name", e.series.user_name},
      {"carrier", e.series.carrier},
      {"carrier_name_zh", e.carrier->name_zh},
      {"scope", text_or_null(to_string(e.series.scope))},
      {"flow", to_string(e.series.flow)},
      {"begin", time(e.known.begin)},
      {"end", time(e.known.end)},
      {"quantum", e.carrier->quantum.symbol},
      {"quanta_per_unit", e.carrier->quanta_per_display},
      {"revision_explained", e.known.revision},
      {"is_newest", !e.one_revision},
      {"known", figures(e.known, e.carrier, e.series.scope)},
      {"published", e.published ? json::value(figures(*e.published, e.carrier, e.series.scope)) : json::value(nullptr)},
      {"revisions", revisions(e)},
      {"certificates", certificates(e)},
      {"contracts", contracts(e)},
      {"formulas", formulas(e)},
      {"gwp_set", text_or_null(e.gwp_set)},
      {"meter", e.meter ? json::value(json::object{{"accuracy", text_or_null(e.meter->accuracy)},
                                                   {"device", text_or_null(e.meter->device)},
                                                   {"calibration", text_or_null(e.meter->calibration)}})
                        : json::value(nullptr)},
      {"activity_u95_percent", e.activity_u95_ppm ? json::value(percent(*e.activity_u95_ppm)) : json::value(nullptr)},
      {"account_missing", text_or_null(e.account_missing)},
      {"interval", interval(e)},
      {"point", point(e.point, e.carrier)}};
}

json::object line(const BreakdownLine& l) {
  const bool stated = l.uncertainty && l.uncertainty->stated != books::Stated::none;
  json::object object{
      {"name", l.name},
      {"begin", time(l.begin)},
      {"end", time(l.end)},
      {"entries", l.entries},
      {"co2e_kg", kilograms(l.sum.primary.emitted.co2e.quanta())},
      {"co2e_first_kg", kilograms(l.first.quanta())},
      {"u95_kg", stated ? json::value(kilograms(l.uncertainty->u95.quanta())) : json::value(nullptr)},
      {"u95_stated", l.uncertainty ? json::value(to_string(l.uncertainty->stated)) : json::value(nullptr)},
      {"market_co2e_kg",
       l.sum.market ? json::value(kilograms(l.sum.market->emitted.co2e.quanta())) : json::value(nullptr)},
      {"coal_kgce", kilograms(l.sum.coal.quanta())},
      {"covered_ms", l.sum.covered.count()},
      {"coverage_percent", model::coverage_percent(l.sum.covered, l.watchable())},
      {"quality", quality(l.sum.quality)}};
  if (l.carrier) {
    object["carrier"] = l.series.carrier;
    object["flow"] = to_string(l.series.flow);
    object["part_of"] = text_or_null(l.part_of);
    object["amount"] = amount(l.sum.amount, l.carrier);
    object["unit"] = l.carrier->display.symbol;
  }
  return object;
}

json::array lines(const std::vector<BreakdownLine>& all) {
  json::array list;
  for (const BreakdownLine& one : all) list.push_back(line(one));
  return list;
}

json::object line(const books::Line& l) {
  const model::Carrier* carrier = model::find_carrier(l.carrier);
  const auto& emitted = l.now.emitted;
  return {{"user", l.user},
          {"amount", amount(l.now.amount, carrier)},
          {"unit", carrier->display.symbol},
          {"co2e_kg", kilograms(emitted[model::Basis::primary].co2e.quanta())},
          {"market_co2e_kg",
           l.has_market ? json::value(kilograms(emitted[model::Basis::market].co2e.quanta())) : json::value(nullptr)},
          {"coal_kgce", kilograms(l.now.coal.quanta())}};
}

json::array allocations(const Breakdown& b) {
  json::array list;
  for (const books::Allocation& allocation : b.allocations) {
    json::array parts;
    for (const books::Line& part : allocation.parts) parts.push_back(line(part));
    list.push_back(json::object{{"carrier", allocation.whole.carrier},
                                {"whole", line(allocation.whole)},
                                {"parts", std::move(parts)},
                                {"unallocated", line(allocation.unallocated)},
                                {"parts_exceed_whole", is_below_zero(allocation.unallocated)}});
  }
  return list;
}

json::array containers(const Breakdown& b) {
  json::array list;
  for (const model::Containment& containment : b.part_of) {
    list.push_back(json::object{
        {"user", containment.of}, {"carrier", containment.carrier}, {"own_supply", containment.own_supply}});
  }
  return list;
}

json::object object_of(const Breakdown& b, const model::Site& site) {
  json::object total = line(b.total);
  total["market_co2e_kg"] = kilograms(b.market.quanta());  // with the other figure where there is none
  return {{"period", to_string(b.period)},
          {"name", b.name},
          {"site", site.id},
          {"timezone", site.time_zone},
          {"total", std::move(total)},
          {"beside", b.beside ? json::value(to_string(*b.beside)) : json::value(nullptr)},
          {"users", lines(b.users)},
          {"accounts", lines(b.accounts)},
          {"parts", lines(b.parts)},
          {"entries", lines(b.entries)},
          {"part_of", containers(b)},
          {"allocations", allocations(b)}};
}

}  // namespace

std::string explain_json(const explain::Answer& answer, const model::Site& site) {
  return std::visit([&](const auto& one) { return json::serialize(object_of(one, site)) + "\n"; }, answer);
}

}  // namespace carbongate::cli
