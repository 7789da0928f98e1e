#include "gateway/sinks/postgresql/migrations.h"

#include <fmt/format.h>

#include <algorithm>

namespace carbongate::sinks::postgresql {
namespace {

// "@" stands for the schema's name.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE @.schema_version (
  version integer PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now());
COMMENT ON TABLE @.schema_version IS 'Versions of this schema; a gateway that knows only older ones refuses to write';

CREATE TABLE @.points (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site text NOT NULL,
  device text NOT NULL,
  point text NOT NULL,
  unit text NOT NULL,
  UNIQUE (site, device, point, unit));
COMMENT ON TABLE @.points IS 'What is measured, by name';
COMMENT ON COLUMN @.points.unit IS 'of readings.value, as the meter gives it';

CREATE TABLE @.accounts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site text NOT NULL,
  energy_user text NOT NULL,
  carrier text NOT NULL,
  device text NOT NULL,
  point text NOT NULL,
  flow text NOT NULL,
  user_name text NOT NULL,
  scope integer,
  region text NOT NULL,
  UNIQUE (site, energy_user, carrier, device, point, flow));
COMMENT ON TABLE @.accounts IS 'Who consumes what from which meter';
COMMENT ON COLUMN @.accounts.flow IS 'consumed, exported, produced, emitted or measured';
COMMENT ON COLUMN @.accounts.scope IS '1 or 2 (GHG Protocol); NULL where nothing is emitted';
COMMENT ON COLUMN @.accounts.region IS 'of the emission factors, such as CN-SC';

CREATE TABLE @.readings (
  point_id bigint NOT NULL REFERENCES @.points,
  time timestamptz NOT NULL,
  value double precision,
  quality text NOT NULL,
  rule text,
  PRIMARY KEY (point_id, time));
CREATE INDEX readings_time ON @.readings (time);
COMMENT ON TABLE @.readings IS 'Values as read, also rejected ones (quality missing); of one instant the best';
COMMENT ON COLUMN @.readings.time IS 'when the device measured it';
COMMENT ON COLUMN @.readings.value IS 'in points.unit; NULL where it was not a number';
COMMENT ON COLUMN @.readings.quality IS 'measured, late, estimated, substituted, manual or missing';
COMMENT ON COLUMN @.readings.rule IS 'what set the quality, such as range or out-of-order; NULL: none';

CREATE TABLE @.intervals (
  point_id bigint NOT NULL REFERENCES @.points,
  carrier text NOT NULL,
  begins_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  amount numeric NOT NULL,
  unit text NOT NULL,
  covered_s numeric NOT NULL,
  quality text NOT NULL,
  rule text,
  PRIMARY KEY (point_id, carrier, begins_at));
CREATE INDEX intervals_begins_at ON @.intervals (begins_at);
COMMENT ON TABLE @.intervals IS 'Activity of a metering point by quarter hour of the site''s time zone';
COMMENT ON COLUMN @.intervals.amount IS 'exact, in unit';
COMMENT ON COLUMN @.intervals.unit IS 'kWh, GJ, Nm3, kg or pcs: the carrier''s';
COMMENT ON COLUMN @.intervals.covered_s IS 'seconds watched by readings no further apart than the longest bridgeable gap';

CREATE TABLE @.entries (
  account_id bigint NOT NULL REFERENCES @.accounts,
  begins_at timestamptz NOT NULL,
  revision integer NOT NULL,
  ends_at timestamptz NOT NULL,
  amount numeric NOT NULL,
  unit text NOT NULL,
  co2e_kg numeric,
  u95_kg numeric NOT NULL,
  u95_meter_kg numeric NOT NULL,
  u95_factor_kg numeric NOT NULL,
  gases_kg jsonb NOT NULL,
  factor text,
  factor_version text,
  market_co2e_kg numeric,
  market_u95_kg numeric,
  market_u95_meter_kg numeric,
  market_u95_factor_kg numeric,
  market_gases_kg jsonb,
  market_factor text,
  market_factor_version text,
  coal_kgce numeric NOT NULL,
  coal_factor text,
  covered_s numeric NOT NULL,
  quality text NOT NULL,
  rule text,
  cause text,
  note text,
  booked_at timestamptz,
  PRIMARY KEY (account_id, begins_at, revision));
CREATE INDEX entries_begins_at ON @.entries (begins_at);
COMMENT ON TABLE @.entries IS
  'Emission of an account by quarter hour. Revision 0 is as first published; from 1 on corrections, which hold differences: what is known now is the sum, as in entries_known';
COMMENT ON COLUMN @.entries.amount IS 'exact, in unit';
COMMENT ON COLUMN @.entries.unit IS 'kWh, GJ, Nm3, kg or pcs: the carrier''s';
COMMENT ON COLUMN @.entries.co2e_kg IS 'kg CO2 equivalent, without biogenic CO2; of scope 2 location-based; NULL where no factor applied';
COMMENT ON COLUMN @.entries.u95_kg IS 'kg CO2e: half-width of the 95 % interval, by meter and factor together (their squares add)';
COMMENT ON COLUMN @.entries.u95_meter_kg IS 'kg CO2e: the meter''s part; within one account it adds linearly over time';
COMMENT ON COLUMN @.entries.u95_factor_kg IS 'kg CO2e: the factor''s part; within one account it adds linearly over time';
COMMENT ON COLUMN @.entries.gases_kg IS 'kg of each gas: {"CO2": 1.25, "CH4": 0.001}; CO2-biogenic is no part of co2e_kg';
COMMENT ON COLUMN @.entries.market_co2e_kg IS 'kg CO2e, market-based (GHG Protocol Scope 2); NULL outside of scope 2';
COMMENT ON COLUMN @.entries.market_u95_kg IS 'kg CO2e, as u95_kg';
COMMENT ON COLUMN @.entries.market_u95_meter_kg IS 'kg CO2e, as u95_meter_kg';
COMMENT ON COLUMN @.entries.market_u95_factor_kg IS 'kg CO2e, as u95_factor_kg';
COMMENT ON COLUMN @.entries.market_gases_kg IS 'kg of each gas, as gases_kg';
COMMENT ON COLUMN @.entries.coal_kgce IS 'kg of coal equivalent by GB/T 2589';
COMMENT ON COLUMN @.entries.covered_s IS 'seconds watched by readings no further apart than the longest bridgeable gap';
COMMENT ON COLUMN @.entries.quality IS 'measured, late, estimated, substituted, manual or missing';
COMMENT ON COLUMN @.entries.cause IS
  'of a correction: late-data, configuration, factor, substitution, certificate or manual';
COMMENT ON COLUMN @.entries.booked_at IS 'of a correction: when it was booked';

CREATE TABLE @.rollups (
  account_id bigint NOT NULL REFERENCES @.accounts,
  period text NOT NULL,
  begins_at timestamptz NOT NULL,
  revision integer NOT NULL,
  ends_at timestamptz NOT NULL,
  amount numeric NOT NULL,
  unit text NOT NULL,
  co2e_kg numeric,
  u95_kg numeric NOT NULL,
  u95_meter_kg numeric NOT NULL,
  u95_factor_kg numeric NOT NULL,
  gases_kg jsonb NOT NULL,
  market_co2e_kg numeric,
  market_u95_kg numeric,
  market_u95_meter_kg numeric,
  market_u95_factor_kg numeric,
  market_gases_kg jsonb,
  coal_kgce numeric NOT NULL,
  covered_s numeric NOT NULL,
  valid_hours integer,
  validity text,
  quality text NOT NULL,
  rule text,
  PRIMARY KEY (account_id, period, begins_at, revision));
CREATE INDEX rollups_begins_at ON @.rollups (begins_at);
COMMENT ON TABLE @.rollups IS
  'Sums of an account over calendar periods of the site''s time zone. Revision 0 is as first published; a later revision is the whole sum again, corrections included: the newest holds, as in rollups_known';
COMMENT ON COLUMN @.rollups.period IS '15min, hour, day, month or year';
COMMENT ON COLUMN @.rollups.amount IS 'exact, in unit';
COMMENT ON COLUMN @.rollups.unit IS 'kWh, GJ, Nm3, kg or pcs: the carrier''s';
COMMENT ON COLUMN @.rollups.co2e_kg IS 'kg CO2 equivalent, as entries.co2e_kg';
COMMENT ON COLUMN @.rollups.u95_kg IS 'kg CO2e: half-width of the 95 % interval';
COMMENT ON COLUMN @.rollups.u95_meter_kg IS 'kg CO2e: the meter''s part';
COMMENT ON COLUMN @.rollups.u95_factor_kg IS 'kg CO2e: the factor''s part';
COMMENT ON COLUMN @.rollups.gases_kg IS 'kg of each gas, as entries.gases_kg';
COMMENT ON COLUMN @.rollups.market_co2e_kg IS 'kg CO2e, market-based; NULL outside of scope 2';
COMMENT ON COLUMN @.rollups.market_u95_kg IS 'kg CO2e, as u95_kg';
COMMENT ON COLUMN @.rollups.market_u95_meter_kg IS 'kg CO2e, as u95_meter_kg';
COMMENT ON COLUMN @.rollups.market_u95_factor_kg IS 'kg CO2e, as u95_factor_kg';
COMMENT ON COLUMN @.rollups.market_gases_kg IS 'kg of each gas, as entries.gases_kg';
COMMENT ON COLUMN @.rollups.coal_kgce IS 'kg of coal equivalent by GB/T 2589';
COMMENT ON COLUMN @.rollups.covered_s IS 'seconds watched by readings, out of ends_at - begins_at';
COMMENT ON COLUMN @.rollups.valid_hours IS 'hours: of a day and longer; NULL for shorter periods';
COMMENT ON COLUMN @.rollups.validity IS 'valid or invalid, of hours and days; NULL where it is not judged';
COMMENT ON COLUMN @.rollups.quality IS 'that of the worst part';

CREATE TABLE @.totals (
  account_id bigint NOT NULL REFERENCES @.accounts,
  time timestamptz NOT NULL,
  amount numeric NOT NULL,
  unit text NOT NULL,
  co2e_kg numeric NOT NULL,
  market_co2e_kg numeric,
  amount_per_hour double precision,
  co2e_kg_per_hour double precision,
  PRIMARY KEY (account_id, time));
CREATE INDEX totals_time ON @.totals (time);
COMMENT ON TABLE @.totals IS 'Where an account''s running totals stand, since the gateway''s first reading: for live screens';
COMMENT ON COLUMN @.totals.amount IS 'exact, in unit';
COMMENT ON COLUMN @.totals.unit IS 'kWh, GJ, Nm3, kg or pcs: the carrier''s';
COMMENT ON COLUMN @.totals.co2e_kg IS 'kg CO2 equivalent';
COMMENT ON COLUMN @.totals.market_co2e_kg IS 'kg CO2e, market-based; NULL outside of scope 2';
COMMENT ON COLUMN @.totals.amount_per_hour IS 'present rate in unit per hour: kW for electricity';
COMMENT ON COLUMN @.totals.co2e_kg_per_hour IS 'present rate in kg CO2e per hour';

CREATE VIEW @.entries_known AS
  SELECT a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, e.account_id, e.begins_at,
         max(e.ends_at) AS ends_at, sum(e.amount) AS amount, max(e.unit) AS unit, sum(e.co2e_kg) AS co2e_kg,
         sum(e.co2e_kg) FILTER (WHERE e.revision = 0) AS co2e_kg_first, sum(e.market_co2e_kg) AS market_co2e_kg,
         sum(e.coal_kgce) AS coal_kgce, max(e.revision) AS revision,
         (array_agg(e.quality ORDER BY e.revision DESC))[1] AS quality
  FROM @.entries e JOIN @.accounts a ON a.id = e.account_id
  GROUP BY a.id, e.account_id, e.begins_at;
COMMENT ON VIEW @.entries_known IS 'Emission by quarter hour as now known: revisions summed up; units as in entries';

CREATE VIEW @.rollups_known AS
  SELECT DISTINCT ON (r.account_id, r.period, r.begins_at)
         a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, r.*
  FROM @.rollups r JOIN @.accounts a ON a.id = r.account_id
  ORDER BY r.account_id, r.period, r.begins_at, r.revision DESC;
COMMENT ON VIEW @.rollups_known IS 'Sums as now known: the newest revision of each; units as in rollups';

CREATE VIEW @.readings_named AS
  SELECT p.site, p.device, p.point, r.time, r.value, p.unit, r.quality, r.rule
  FROM @.readings r JOIN @.points p ON p.id = r.point_id;
COMMENT ON VIEW @.readings_named IS 'Readings with the names of their points; value is in unit';
)sql";

// The set of global warming potentials. Rows from before have none.
constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE @.entries ADD COLUMN gwp_set text, ADD COLUMN market_gwp_set text;
COMMENT ON COLUMN @.entries.gwp_set IS
  'by which the gases of co2e_kg were added up, such as AR5; NULL: CO2 alone, CO2e as published, or not stated';
COMMENT ON COLUMN @.entries.market_gwp_set IS 'the same of market_co2e_kg';
)sql";

// Rounded as model::coverage() does. A view takes further columns at its end alone; r.* has the new one there.
constexpr std::string_view kVersion3 = R"sql(
ALTER TABLE @.intervals ADD COLUMN coverage_percent numeric GENERATED ALWAYS AS
  (round(covered_s * 100 / NULLIF(extract(epoch FROM ends_at - begins_at), 0)::numeric, 2)) STORED;
ALTER TABLE @.entries ADD COLUMN coverage_percent numeric GENERATED ALWAYS AS
  (round(covered_s * 100 / NULLIF(extract(epoch FROM ends_at - begins_at), 0)::numeric, 2)) STORED;
ALTER TABLE @.rollups ADD COLUMN coverage_percent numeric GENERATED ALWAYS AS
  (round(covered_s * 100 / NULLIF(extract(epoch FROM ends_at - begins_at), 0)::numeric, 2)) STORED;
COMMENT ON COLUMN @.intervals.coverage_percent IS 'covered_s as a share of ends_at - begins_at, in %';
COMMENT ON COLUMN @.entries.coverage_percent IS 'covered_s as a share of ends_at - begins_at, in %; of a correction as now known';
COMMENT ON COLUMN @.rollups.coverage_percent IS 'covered_s as a share of ends_at - begins_at, in %';

ALTER TABLE @.entries ALTER COLUMN u95_kg DROP NOT NULL;
ALTER TABLE @.rollups ALTER COLUMN u95_kg DROP NOT NULL;
COMMENT ON COLUMN @.entries.u95_kg IS
  'kg CO2e: half-width of the 95 % interval, by meter and factor together (their squares add); NULL where neither states one';
COMMENT ON COLUMN @.rollups.u95_kg IS 'kg CO2e: half-width of the 95 % interval; NULL where neither meter nor factor states one';

CREATE OR REPLACE VIEW @.entries_known AS
  SELECT a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, e.account_id, e.begins_at,
         max(e.ends_at) AS ends_at, sum(e.amount) AS amount, max(e.unit) AS unit, sum(e.co2e_kg) AS co2e_kg,
         sum(e.co2e_kg) FILTER (WHERE e.revision = 0) AS co2e_kg_first, sum(e.market_co2e_kg) AS market_co2e_kg,
         sum(e.coal_kgce) AS coal_kgce, max(e.revision) AS revision,
         (array_agg(e.quality ORDER BY e.revision DESC))[1] AS quality,
         (array_agg(e.covered_s ORDER BY e.revision DESC))[1] AS covered_s,
         (array_agg(e.coverage_percent ORDER BY e.revision DESC))[1] AS coverage_percent
  FROM @.entries e JOIN @.accounts a ON a.id = e.account_id
  GROUP BY a.id, e.account_id, e.begins_at;

CREATE OR REPLACE VIEW @.rollups_known AS
  SELECT DISTINCT ON (r.account_id, r.period, r.begins_at)
         a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, r.*
  FROM @.rollups r JOIN @.accounts a ON a.id = r.account_id
  ORDER BY r.account_id, r.period, r.begins_at, r.revision DESC;
)sql";

// Whose consumption contains an account's, so that a sum over users counts nothing twice.
constexpr std::string_view kVersion4 = R"sql(
ALTER TABLE @.accounts ADD COLUMN part_of text;
COMMENT ON COLUMN @.accounts.part_of IS
  'the energy user in whose consumption all of the account''s is contained; NULL: in none; a total of the site takes these alone';

CREATE OR REPLACE VIEW @.entries_known AS
  SELECT a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, e.account_id, e.begins_at,
         max(e.ends_at) AS ends_at, sum(e.amount) AS amount, max(e.unit) AS unit, sum(e.co2e_kg) AS co2e_kg,
         sum(e.co2e_kg) FILTER (WHERE e.revision = 0) AS co2e_kg_first, sum(e.market_co2e_kg) AS market_co2e_kg,
         sum(e.coal_kgce) AS coal_kgce, max(e.revision) AS revision,
         (array_agg(e.quality ORDER BY e.revision DESC))[1] AS quality,
         (array_agg(e.covered_s ORDER BY e.revision DESC))[1] AS covered_s,
         (array_agg(e.coverage_percent ORDER BY e.revision DESC))[1] AS coverage_percent, a.part_of
  FROM @.entries e JOIN @.accounts a ON a.id = e.account_id
  GROUP BY a.id, e.account_id, e.begins_at;

CREATE OR REPLACE VIEW @.rollups_known AS
  SELECT DISTINCT ON (r.account_id, r.period, r.begins_at)
         a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, r.*, a.part_of
  FROM @.rollups r JOIN @.accounts a ON a.id = r.account_id
  ORDER BY r.account_id, r.period, r.begins_at, r.revision DESC;
)sql";

// The flags of HJ 212-2017, table 8, as gateway/model/hj212_flag.h has them: they follow from what is in a row already.
constexpr std::string_view kVersion5 = R"sql(
CREATE FUNCTION @.hj212_flag(quality text, rule text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN quality = 'measured' AND rule IN ('stopped', 'out-of-order') THEN 'F'
    WHEN quality IN ('measured', 'late') THEN 'N'
    WHEN quality IN ('estimated', 'substituted', 'manual') THEN 'S'
    WHEN rule = 'maintenance' THEN 'M'
    WHEN rule = 'calibration' THEN 'C'
    WHEN rule IN ('over-range', 'range') THEN 'T'
    WHEN rule = 'gap' THEN 'B'
    ELSE 'D'
  END
$$;
COMMENT ON FUNCTION @.hj212_flag(text, text) IS
  'N, F, M, S, D, C, T or B by HJ 212-2017, table 8, of the quality and the rule of a reading or an interval';
)sql";

// What came late keeps its flag F.
constexpr std::string_view kVersion6 = R"sql(
CREATE OR REPLACE FUNCTION @.hj212_flag(quality text, rule text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN quality IN ('measured', 'late') AND rule = 'stopped' THEN 'F'
    WHEN quality = 'measured' AND rule = 'out-of-order' THEN 'F'
    WHEN quality IN ('measured', 'late') THEN 'N'
    WHEN quality IN ('estimated', 'substituted', 'manual') THEN 'S'
    WHEN rule = 'maintenance' THEN 'M'
    WHEN rule = 'calibration' THEN 'C'
    WHEN rule IN ('over-range', 'range') THEN 'T'
    WHEN rule = 'gap' THEN 'B'
    ELSE 'D'
  END
$$;
)sql";

// Alerts, change by change.
constexpr std::string_view kVersion7 = R"sql(
CREATE TABLE @.rules (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site text NOT NULL,
  rule text NOT NULL,
  device text NOT NULL,
  point text NOT NULL,
  energy_user text NOT NULL,
  carrier text NOT NULL,
  name text NOT NULL,
  name_zh text NOT NULL,
  UNIQUE (site, rule, device, point, energy_user, carrier));
COMMENT ON TABLE @.rules IS 'What a rule of alerts looks at: one row for each of its subjects';
COMMENT ON COLUMN @.rules.device IS 'that it is about; empty of an energy user''s';
COMMENT ON COLUMN @.rules.point IS 'that it is about; empty of a device''s or an energy user''s';
COMMENT ON COLUMN @.rules.energy_user IS 'that it is about; empty of a point''s or a device''s';
COMMENT ON COLUMN @.rules.carrier IS 'of an energy user''s; empty: all of them';

CREATE TABLE @.alerts (
  rule_id bigint NOT NULL REFERENCES @.rules,
  alert text NOT NULL,
  revision integer NOT NULL,
  time timestamptz NOT NULL,
  since timestamptz NOT NULL,
  severity text NOT NULL,
  state text NOT NULL,
  value double precision,
  threshold double precision,
  unit text NOT NULL,
  cause text,
  acknowledged_by text,
  note text,
  suppressed integer NOT NULL,
  PRIMARY KEY (rule_id, alert, revision));
CREATE INDEX alerts_time ON @.alerts (time);
COMMENT ON TABLE @.alerts IS 'Changes of alerts; of each alert the highest revision says how it stands';
COMMENT ON COLUMN @.alerts.alert IS 'the alert''s id: the same at every sink';
COMMENT ON COLUMN @.alerts.revision IS 'changes of this alert before this one';
COMMENT ON COLUMN @.alerts.time IS 'of the change, in the time of the data; of an acknowledgement when it was given';
COMMENT ON COLUMN @.alerts.since IS 'when its condition began to hold';
COMMENT ON COLUMN @.alerts.severity IS 'info, warning or critical';
COMMENT ON COLUMN @.alerts.state IS 'firing, acknowledged, resolved or withdrawn';
COMMENT ON COLUMN @.alerts.value IS 'in unit; NULL where there is none';
COMMENT ON COLUMN @.alerts.threshold IS 'what value was held against, in unit; NULL where there is none';
COMMENT ON COLUMN @.alerts.unit IS 'of value and threshold; s, where nothing was heard for threshold';
COMMENT ON COLUMN @.alerts.cause IS 'of an alert raised or withdrawn by a correction, such as late-data; else NULL';
COMMENT ON COLUMN @.alerts.suppressed IS 'alerts that depend on this one, and were held back so far';
)sql";

// How far running totals can be trusted.
constexpr std::string_view kVersion8 = R"sql(
ALTER TABLE @.totals
  ADD COLUMN since timestamptz,
  ADD COLUMN covered_s numeric,
  ADD COLUMN quality text,
  ADD COLUMN rule text,
  ADD COLUMN u95_kg numeric,
  ADD COLUMN u95_meter_kg numeric,
  ADD COLUMN u95_factor_kg numeric,
  ADD COLUMN market_u95_kg numeric,
  ADD COLUMN market_u95_meter_kg numeric,
  ADD COLUMN market_u95_factor_kg numeric;
ALTER TABLE @.totals ADD COLUMN coverage_percent numeric GENERATED ALWAYS AS
  (round(covered_s * 100 / NULLIF(extract(epoch FROM time - since), 0)::numeric, 2)) STORED;
COMMENT ON COLUMN @.totals.coverage_percent IS 'covered_s as a share of time - since, in %';
COMMENT ON COLUMN @.totals.since IS 'of the first reading: amounts are of (since, time]; NULL: begun by a gateway that did not note it';
COMMENT ON COLUMN @.totals.covered_s IS 'seconds watched by readings, out of time - since';
COMMENT ON COLUMN @.totals.quality IS 'the worst of what was ever booked in it';
COMMENT ON COLUMN @.totals.rule IS 'that set the quality; NULL: none';
COMMENT ON COLUMN @.totals.u95_kg IS 'half-width of the 95 % interval of co2e_kg (GUM); NULL where nothing states one';
COMMENT ON COLUMN @.totals.u95_meter_kg IS 'the part of u95_kg that follows from the meter';
COMMENT ON COLUMN @.totals.u95_factor_kg IS 'the part of u95_kg that follows from the factor';
COMMENT ON COLUMN @.totals.market_u95_kg IS 'kg CO2e, as u95_kg';
COMMENT ON COLUMN @.totals.market_u95_meter_kg IS 'kg CO2e, as u95_meter_kg';
COMMENT ON COLUMN @.totals.market_u95_factor_kg IS 'kg CO2e, as u95_factor_kg';
COMMENT ON TABLE @.intervals IS 'Activity of a metering point by quarter hour of the site''s time zone, as first counted: corrections are in entries and rollups';
)sql";

// What nobody states, and standard coal that no coefficient gives, is no zero. A view takes further columns at its end
// alone: those of rollups are named one by one.
constexpr std::string_view kVersion9 = R"sql(
ALTER TABLE @.entries ADD COLUMN u95_stated text, ADD COLUMN market_u95_stated text, ALTER COLUMN coal_kgce DROP NOT NULL;
ALTER TABLE @.rollups ADD COLUMN u95_stated text, ADD COLUMN market_u95_stated text, ALTER COLUMN coal_kgce DROP NOT NULL;
ALTER TABLE @.totals ADD COLUMN u95_stated text, ADD COLUMN market_u95_stated text;
COMMENT ON COLUMN @.entries.u95_stated IS
  'all; part: only meter or factor states one, and u95_kg is a lower bound; none; NULL: written by a gateway that did not say';
COMMENT ON COLUMN @.entries.market_u95_stated IS 'as u95_stated; NULL outside of scope 2';
COMMENT ON COLUMN @.rollups.u95_stated IS
  'all; part: of some of the emissions only, and u95_kg is a lower bound; none; NULL: written by a gateway that did not say';
COMMENT ON COLUMN @.rollups.market_u95_stated IS 'as u95_stated; NULL outside of scope 2';
COMMENT ON COLUMN @.totals.u95_stated IS 'as rollups.u95_stated';
COMMENT ON COLUMN @.totals.market_u95_stated IS 'as u95_stated; NULL outside of scope 2';
COMMENT ON COLUMN @.entries.coal_kgce IS 'kg of coal equivalent by GB/T 2589; NULL where no coefficient applied';
COMMENT ON COLUMN @.rollups.coal_kgce IS 'kg of coal equivalent by GB/T 2589; NULL where no coefficient applied to a part';

CREATE OR REPLACE VIEW @.rollups_known AS
  SELECT DISTINCT ON (r.account_id, r.period, r.begins_at)
         a.site, a.energy_user, a.user_name, a.carrier, a.device, a.point, a.flow, a.scope, r.account_id, r.period,
         r.begins_at, r.revision, r.ends_at, r.amount, r.unit, r.co2e_kg, r.u95_kg, r.u95_meter_kg, r.u95_factor_kg,
         r.gases_kg, r.market_co2e_kg, r.market_u95_kg, r.market_u95_meter_kg, r.market_u95_factor_kg,
         r.market_gases_kg, r.coal_kgce, r.covered_s, r.valid_hours, r.validity, r.quality, r.rule, r.coverage_percent,
         a.part_of, r.u95_stated, r.market_u95_stated
  FROM @.rollups r JOIN @.accounts a ON a.id = r.account_id
  ORDER BY r.account_id, r.period, r.begins_at, r.revision DESC;
)sql";

constexpr std::string_view kVersion10 = R"sql(
ALTER TABLE @.alerts
  ADD COLUMN period_begin timestamptz,
  ADD COLUMN period_end timestamptz,
  ADD COLUMN coverage_percent numeric;
COMMENT ON COLUMN @.alerts.period_begin IS
  'of the time that value is a sum of: a calendar period, a window, or all since the first reading; NULL where it is none, or written by a gateway that did not say';
COMMENT ON COLUMN @.alerts.period_end IS 'of that time, excluded; of what goes on, when it will be over';
COMMENT ON COLUMN @.alerts.coverage_percent IS 'how much of that time, until value was that, was watched, in %; NULL: not known';
)sql";

constexpr std::string_view kVersions[kSchemaVersion] = {kVersion1, kVersion2, kVersion3, kVersion4, kVersion5,
                                                        kVersion6, kVersion7, kVersion8, kVersion9, kVersion10};

std::string with_schema(std::string_view sql, std::string_view schema) {
  std::string out;
  for (const char c : sql) {
    if (c == '@') {
      out.append("\"").append(schema).append("\"");
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

bool is_schema_name(std::string_view schema) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !schema.empty() && schema.size() <= 63 && std::ranges::all_of(schema, fits) &&
         (schema.front() < '0' || schema.front() > '9') && !schema.starts_with("pg_");
}

std::string has_version_sql(std::string_view schema) {
  return fmt::format("SELECT to_regclass('{}.schema_version') IS NOT NULL", schema);
}

std::string version_sql(std::string_view schema) {
  return fmt::format("SELECT coalesce(max(version), 0) FROM \"{}\".schema_version", schema);
}

std::string migration_sql(int version, std::string_view schema) {
  return with_schema(kVersions[version - 1], schema) +
         fmt::format("INSERT INTO \"{}\".schema_version (version) VALUES ({})", schema, version);
}

std::string create_schema_sql(std::string_view schema) {
  return fmt::format(
      "DO $$ BEGIN IF to_regnamespace('{0}') IS NULL THEN CREATE SCHEMA \"{0}\"; "
      "COMMENT ON SCHEMA \"{0}\" IS 'Energy and emissions as CarbonGate accounts them'; END IF; END $$",
      schema);
}

std::string lock_sql(std::string_view schema) {
  return fmt::format("SELECT pg_advisory_xact_lock(hashtext('carbongate migration'), hashtext('{}'))", schema);
}

std::string hypertables_sql(std::string_view schema) {
  return fmt::format(R"sql(
DO $$
DECLARE
  home name;
  part record;
BEGIN
  SELECT n.nspname INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb';
  IF home IS NULL THEN RETURN; END IF;
  FOR part IN
    SELECT * FROM (VALUES ('readings', 'time'), ('intervals', 'begins_at'), ('entries', 'begins_at'),
                          ('rollups', 'begins_at'), ('totals', 'time')) AS large (name, column_name)
    WHERE name NOT IN (SELECT hypertable_name FROM timescaledb_information.hypertables WHERE hypertable_schema = '{0}')
  LOOP
    EXECUTE format('SELECT %I.create_hypertable(%L::regclass, %L, create_default_indexes => false, '
                   'if_not_exists => true, migrate_data => true)', home, format('"{0}".%I', part.name), part.column_name);
  END LOOP;
END $$)sql",
                     schema);
}

}  // namespace carbongate::sinks::postgresql
