#include "gateway/store/state_log.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "gateway/store/byte_code.h"
#include "gateway/store/state_delta.h"

namespace carbongate::store {
namespace {

constexpr const char* kWhat = "a record of changed states";
constexpr char kVersion = 1;
constexpr int kLevel = 3;
constexpr std::size_t kRecordMax = 256U << 20U;  // bytes of what a frame holds
constexpr std::uint64_t kHasReading = 1;
constexpr std::uint64_t kIsDelta = 2;
constexpr unsigned kFormBits = 2;
constexpr std::size_t kCrcBytes = 2;

// In `meta`: the sequence of the journal when the states were last written whole.
constexpr const char* kWholeAt = "states_whole_at";

// In `meta`, after damage: they go up to there, and what lies behind must be counted once more.
constexpr const char* kBehind = "states_behind";

// A start reads the log, and the readings that it refers to. As long as it is a few times as long as the states,
// writing them whole costs little beside it.
constexpr std::int64_t kRecordsMax = 256;
constexpr std::size_t kBytesMin = 256U << 10U;
constexpr std::size_t kTimesStates = 4;
constexpr std::size_t kBytesOfRow = 16;  // besides its body

std::uint64_t check_of(std::string_view state) {
  return crc_of(state) & 0xffffU;
}

std::optional<std::int64_t> find_meta(Database& database, std::string_view name) {
  Statement get(database, "SELECT value FROM meta WHERE name = ?1");
  Rows rows(get.bind(1, name));
  return rows.next() ? std::optional(get.integer(0)) : std::nullopt;
}

// A point's state but for its first two fields, time and value (record.proto).
std::string_view without_reading(std::string_view state) {
  ByteReader in(state, kWhat);
  std::string_view rest = state;
  const auto passes = [&](char tag, auto&& take) {
    if (rest.empty() || rest.front() != tag) return;
    in.take(1);
    take();
    rest = ByteReader(in).rest();
  };
  passes('\x08', [&] { in.number(); });
  passes('\x11', [&] { in.take(sizeof(double)); });
  return rest;
}

}  // namespace

StateRecords::StateRecords() : frame_(kLevel) {}

std::uint64_t StateRecords::each(std::string_view body, const Visit& visit) {
  if (body.empty() || body.front() != kVersion) throw DamagedRecord("a record of changed states is of no version");
  const std::string record = frame_.open(body.substr(1), kRecordMax, kWhat);
  ByteReader in(record, kWhat);
  const std::uint64_t count = in.number();
  const std::uint64_t readings = in.number();
  ByteReader subjects(in.column(), kWhat);
  ByteReader forms(in.column(), kWhat);
  std::uint64_t subject = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t further = subjects.number();
    if (further == 0) in.damaged("has a state twice");
    subject += further;
    const std::uint64_t form = forms.number();
    visit(static_cast<std::int64_t>(subject), {.is_delta = (form & kIsDelta) != 0,
                                               .has_reading = (form & kHasReading) != 0,
                                               .bytes = std::string(in.take(form >> kFormBits))});
  }
  if (!in.is_empty() || !subjects.is_empty() || !forms.is_empty()) in.damaged("has more than its states");
  return readings;
}

StateReader::StateReader(Database& database, BlockTable& blocks)
    : database_(database), readings_(database, blocks, ReadingWalk::Kinds::readings) {}

void StateReader::read_all(std::int64_t upto) {
  written_.clear();
  newest_.clear();
  records_.clear();
  of_readings_.clear();
  whole_from_ = 1;
  Statement states(database_, "SELECT subject, state FROM checkpoint");
  for (Rows rows(states); rows.next();) written_.emplace(states.integer(0), states.blob(1));
  Statement log(database_, "SELECT number, before, last, body FROM state_log WHERE number <= ?1 ORDER BY number");
  std::int64_t next = 1;
  for (Rows rows(log.bind(1, upto)); rows.next();) {
    const std::int64_t number = log.integer(0);
    if (number != next) whole_from_ = number;
    next = number + 1;
    Record record{.before = log.integer(1), .last = log.integer(2)};
    record.readings = log_.each(log.blob(3), [&](std::int64_t subject, StateChange change) {
      change.record = number;
      newest_.insert_or_assign(subject, std::move(change));
    });
    records_[number] = record;
  }
  find_readings();
}

void StateReader::find_readings() {
  std::set<std::int64_t> records;
  for (const auto& [subject, change] : newest_) {
    if (change.has_reading) records.insert(change.record);
  }
  if (records.empty()) return;
  std::unordered_map<std::int64_t, std::int64_t> subjects;  // by series
  Statement series(database_, "SELECT id, subject FROM series");
  for (Rows rows(series); rows.next();) subjects[series.integer(0)] = series.integer(1);
  for (const std::int64_t number : records) {
    std::unordered_map<std::int64_t, model::PointState> last;  // by subject
    std::uint64_t found = 0;
    readings_.forwards(records_[number].before, records_[number].last, [&](const ReadingWalk::Row& row) {
      ++found;
      const auto subject = subjects.find(row.series);
      if (subject == subjects.end()) return true;
      model::PointState& state = last[subject->second];
      state.last_at = Instant(Duration(row.columns.at_ms));
      state.last_value = row.columns.value;
      return true;
    });
    if (found != records_[number].readings) continue;  // the last one of a point may be what is missing
    for (const auto& [subject, state] : last) {
      const auto change = newest_.find(subject);
      if (change != newest_.end() && change->second.record == number) of_readings_[subject] = codec_.encode(state);
    }
  }
}

std::string StateReader::told(std::int64_t subject, const StateChange& change) const {
  std::string state;
  if (change.has_reading) {
    const auto reading = of_readings_.find(subject);
    if (reading == of_readings_.end()) throw DamagedRecord("a state's reading is not there");
    state = reading->second;
  }
  if (!change.is_delta) return state + change.bytes;
  const auto written = written_.find(subject);
  if (written == written_.end()) throw DamagedRecord("the state that another is told by is not there");
  ByteReader in(change.bytes, kWhat);
  if (in.fixed(kCrcBytes) != check_of(written->second)) in.damaged("tells what changed of another state");
  return state + apply_state_delta(change.has_reading ? without_reading(written->second) : written->second, in.rest());
}

StateReader::States StateReader::read() {
  read_all();
  if (whole_from_ != 1) throw DamagedRecord("a record of changed states is missing");
  States states = written_;
  for (const auto& [subject, change] : newest_) states[subject] = told(subject, change);
  return states;
}

std::optional<StateReader::States> StateReader::tell_all() const {
  States states = written_;
  try {
    for (const auto& [subject, change] : newest_) states[subject] = told(subject, change);
  } catch (const DamagedRecord&) {
    return std::nullopt;
  }
  return states;
}

std::uint64_t StateReader::known() const {
  std::uint64_t number = written_.size();
  for (const auto& [subject, change] : newest_) number += written_.contains(subject) ? 0 : 1;
  return number;
}

StateReader::Salvaged StateReader::salvage(bool is_end_there) {
  read_all();
  const std::optional<std::int64_t> whole_at = find_meta(database_, kWholeAt);
  const bool is_nothing_behind = records_.empty() && whole_at == newest_sequence(database_);
  const std::uint64_t known_in_all = known();
  std::int64_t last = 0;  // before a record is missing
  while (records_.contains(last + 1)) ++last;
  if ((is_end_there || is_nothing_behind) && whole_from_ == 1) {
    if (auto states = tell_all()) return {.states = std::move(*states), .behind = std::nullopt, .left_out = 0};
    --last;
  }
  for (; last >= 0; --last) {
    read_all(last);
    // Before the states were first written whole there are none but those of records.
    const std::optional<std::int64_t> place = last > 0           ? std::optional(records_.at(last).last)
                                              : written_.empty() ? std::optional(whole_at.value_or(0))
                                                                 : whole_at;
    if (!place) break;
    if (auto states = tell_all()) return {.states = std::move(*states), .behind = place, .left_out = 0};
  }
  return {.states = {}, .behind = std::nullopt, .left_out = known_in_all};
}

StateLog::StateLog(Database& database, BlockTable& blocks)
    : database_(database),
      reader_(database, blocks),
      frame_(kLevel),
      insert_(database, "INSERT INTO state_log(number, before, last, body) VALUES(?1, ?2, ?3, ?4)"),
      put_(database, "INSERT INTO checkpoint(subject, state) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET state = ?2"),
      clear_(database, "DELETE FROM state_log"),
      note_whole_(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)") {}

void StateLog::load() {
  states_.clear();
  state_bytes_ = 0;
  for (auto& [subject, state] : reader_.read()) {
    state_bytes_ += state.size();
    states_[subject].now = std::move(state);
  }
  Statement written(database_, "SELECT subject, state FROM checkpoint");
  for (Rows rows(written); rows.next();) states_[written.integer(0)].written = written.blob(1);
  Statement log(database_, "SELECT count(*), ifnull(sum(length(body)), 0), ifnull(min(before), 0) FROM state_log");
  if (Rows rows(log); rows.next()) {
    now_ = {.records = log.integer(0), .bytes = static_cast<std::size_t>(log.integer(1)), .before = log.integer(2)};
  }
  begin();
}

void StateLog::each(const Visit& visit) const {
  for (const auto& [subject, state] : states_) visit(subject, state.now);
}

std::string_view StateLog::state(std::int64_t subject) const {
  const auto found = states_.find(subject);
  return found == states_.end() ? std::string_view() : found->second.now;
}

void StateLog::begin() {
  waiting_.clear();
  next_ = now_;
  became_whole_ = false;
}

void StateLog::put(std::int64_t subject, std::string_view state, std::string_view of_reading) {
  waiting_.push_back({.subject = subject,
                      .order = waiting_.size(),
                      .state = std::string(state),
                      .of_reading = state.starts_with(of_reading) ? of_reading.size() : 0});
}

void StateLog::write(std::int64_t before, std::int64_t last, std::uint64_t readings) {
  std::ranges::sort(waiting_, {}, [](const Put& put) { return std::pair(put.subject, put.order); });
  for (std::size_t i = 1; i < waiting_.size(); ++i) {  // the last one counts
    if (waiting_[i].subject == waiting_[i - 1].subject) waiting_[i - 1].subject = 0;
  }
  std::erase_if(waiting_, [](const Put& put) { return put.subject == 0; });
  std::erase_if(waiting_, [this](const Put& put) { return put.state == state(put.subject); });
  if (waiting_.empty()) return;
  const std::string body = encode(readings);
  if (next_.records == 0) next_.before = before;
  insert_.bind(1, ++next_.records).bind(2, before).bind(3, last).bind_blob(4, body).run();
  next_.bytes += body.size() + kBytesOfRow;
}

std::string StateLog::encode(std::uint64_t readings) {
  std::string subjects;
  std::string forms;
  std::string states;
  std::int64_t before = 0;
  for (const Put& put : waiting_) {
    put_number(subjects, static_cast<std::uint64_t>(put.subject - before));
    before = put.subject;
    const std::string_view rest = std::string_view(put.state).substr(put.of_reading);
    std::uint64_t form = put.of_reading != 0 ? kHasReading : 0;
    std::size_t size = rest.size();
    const auto known = rest.empty() ? states_.end() : states_.find(put.subject);
    std::optional<std::string> delta;
    if (known != states_.end()) {
      const std::string_view written = known->second.written;
      delta = state_delta(put.of_reading != 0 ? without_reading(written) : written, rest);
      if (delta && delta->size() + kCrcBytes >= size) delta.reset();
      if (delta) {
        const std::uint64_t check = check_of(written);
        states += static_cast<char>(check >> 8U);
        states += static_cast<char>(check);
        size = delta->size() + kCrcBytes;
        form |= kIsDelta;
      }
    }
    put_number(forms, size << kFormBits | form);
    states += delta ? std::string_view(*delta) : rest;
  }
  std::string record;
  put_number(record, waiting_.size());
  put_number(record, readings);
  for (const std::string* column : {&subjects, &forms}) {
    put_number(record, column->size());
    record += *column;
  }
  record += states;
  std::string body(1, kVersion);
  frame_.append(body, record);
  return body;
}

void StateLog::settle(std::int64_t swept, std::int64_t last) {
  const bool is_long = next_.records >= kRecordsMax || next_.bytes >= std::max(kBytesMin, kTimesStates * state_bytes_);
  if (next_.records != 0 && (is_long || swept > next_.before)) write_whole(last);
}

void StateLog::write_whole(std::int64_t last) {
  for (const auto& [subject, state] : states_) {
    if (state.now != state.written && !std::ranges::binary_search(waiting_, subject, {}, &Put::subject)) {
      write_state(subject, state.now);
    }
  }
  for (const Put& put : waiting_) write_state(put.subject, put.state);
  clear_.run();
  note_whole_.bind(1, std::string_view(kWholeAt)).bind(2, last).run();
  next_ = {};
  became_whole_ = true;
}

void StateLog::write_state(std::int64_t subject, std::string_view state) {
  put_.bind(1, subject).bind_blob(2, state).run();
}

void StateLog::accept() {
  for (Put& put : waiting_) {
    std::string& state = states_[put.subject].now;
    state_bytes_ += put.state.size();
    state_bytes_ -= state.size();
    state = std::move(put.state);
  }
  if (became_whole_) {
    for (auto& [subject, state] : states_) state.written = state.now;
  }
  now_ = next_;
  begin();
}

StateReader::Salvaged salvage_states(Database& database, bool is_end_there) {
  BlockTable blocks(database);
  StateReader::Salvaged salvaged = StateReader(database, blocks).salvage(is_end_there);
  // Damaged once more before it was caught up with.
  const std::optional<std::int64_t> before = states_behind(database);
  if (before && salvaged.left_out == 0) salvaged.behind = std::min(*before, salvaged.behind.value_or(*before));
  const std::int64_t end = newest_sequence(database);
  if (salvaged.behind && *salvaged.behind >= end) salvaged.behind.reset();

  Transaction transaction(database);
  database.execute("DELETE FROM checkpoint; DELETE FROM state_log");
  Statement put(database, "INSERT INTO checkpoint(subject, state) VALUES(?1, ?2)");
  for (const auto& [subject, state] : salvaged.states) put.bind(1, subject).bind_blob(2, state).run();
  Statement note(database, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)");
  note.bind(1, std::string_view(kWholeAt)).bind(2, salvaged.behind.value_or(end)).run();
  note_caught_up(database);
  if (salvaged.behind) note.bind(1, std::string_view(kBehind)).bind(2, *salvaged.behind).run();
  transaction.commit();
  return salvaged;
}

std::optional<std::int64_t> states_behind(Database& database) {
  return find_meta(database, kBehind);
}

void note_caught_up(Database& database) {
  Statement forget(database, "DELETE FROM meta WHERE name = ?1");
  forget.bind(1, std::string_view(kBehind)).run();
}

}  // namespace carbongate::store
