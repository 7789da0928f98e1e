#include "gateway/sinks/energy_platform/energy_platform_sink.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/system/errc.hpp>
#include <map>
#include <tuple>
#include <utility>

#include "gateway/sinks/shared/delivery_plan.h"

namespace carbongate::sinks::energy_platform {

namespace asio = boost::asio;
namespace codec = carbongate::energy_platform;
namespace errc = boost::system::errc;

namespace {

constexpr std::size_t kAnswerBytesMax = 64 * 1024;
constexpr int kUnansweredMax = 2;  // deliveries; then it registers anew
constexpr std::size_t kRefusedFrontsMax = 16;
constexpr int kRefusalsMax = 4;             // deliveries in a row; then it tells items and meters again
constexpr std::chrono::minutes kAhead{10};  // of us, the clock of a meter

// A sum of what was entered by hand so far, of a period that is not over: the next entry revises it. Waited for in the
// queue, the sum of a year would hold up months.
bool is_under_way(const model::RollupRow& row, Instant now) {
  return row.period != model::Period::quarter_hour && row.revision > 0 && row.end > now + kAhead;
}

}  // namespace

EnergyPlatformSink::EnergyPlatformSink(std::string name, std::shared_ptr<Enrolment> enrolment, Cadence cadence,
                                       asio::any_io_executor executor, io::Clock& clock, ports::Store* store)
    : name_(std::move(name)),
      enrolment_(std::move(enrolment)),
      cadence_(cadence),
      clock_(clock),
      store_(store),
      caller_(enrolment_->config(), executor, kAnswerBytesMax),
      maker_(enrolment_->config(), cadence),
      sums_changed_(executor),
      sending_(executor),
      health_(name_, clock) {}

asio::awaitable<void> EnergyPlatformSink::attend() {
  if (cadence_ == Cadence::real_time) {
    co_await enrolment_->run();
  } else {
    co_await send_sums();
  }
}

ports::SinkStatus EnergyPlatformSink::status() const {
  ports::SinkStatus status = health_.status();
  status.is_waiting_for_time = waits_for_.has_value();
  if (!enrolment_->is_ready()) {
    status.healthy = false;
    status.detail = enrolment_->trouble();
  }
  return status;
}

// Of the same key only the last one in a batch is sent: it takes the place of those before it.
EnergyPlatformSink::Batch EnergyPlatformSink::collect(std::span<const model::StoredRow> rows) {
  const Config& config = enrolment_->config();
  const Instant now = clock_.now();
  Batch batch;
  batch.through = rows.front().sequence - 1;
  std::map<std::tuple<std::string, codec::StatType, std::string>, std::size_t> places;
  for (const model::StoredRow& row : rows) {
    auto records = maker_.records_of(row, now);
    if (!records.empty() && is_under_way(row.body.get<model::RollupRow>(), now)) {
      const auto& rollup = row.body.get<model::RollupRow>();
      for (codec::Record& record : records) {
        sums_.put({.sequence = row.sequence, .period = rollup.period, .end = rollup.end, .record = std::move(record)});
      }
      records.clear();
    }
    if (!records.empty()) {
      const auto& rollup = row.body.get<model::RollupRow>();
      const Instant when = due(rollup.period, rollup.end, enrolment_->upload_time(), config.dialect.month_day);
      if (when > now) {
        batch.due = when;
        break;
      }
      if (!batch.records.empty() && batch.records.size() + records.size() > config.batch_records) break;
    }
    batch.through = row.sequence;
    for (codec::Record& record : records) {
      const auto [place, is_new] =
          places.try_emplace({record.code.digits, record.stat_type, record.stat_date}, batch.records.size());
      if (is_new) {
        batch.records.push_back(std::move(record));
        batch.sequences.push_back(row.sequence);
      } else {
        batch.records[place->second] = std::move(record);
      }
    }
  }
  return batch;
}

void EnergyPlatformSink::warn_of_gaps(const model::StoredRow& row) {
  const auto& rollup = row.body.get<model::RollupRow>();
  if (rollup.period != model::Period::day || rollup.end <= rollup.begin) return;
  const double share =
      static_cast<double>(rollup.covered.count()) / static_cast<double>((rollup.end - rollup.begin).count());
  if (share >= kCompleteness || rollup.quality.origin == model::Origin::manual) return;
  spdlog::warn("sink {}: {}.{} of '{}' was watched for {:.1f} % of a day, where {:.0f} % are asked for", name_,
               row.series->device, row.series->point, row.series->user, share * 100, kCompleteness * 100);
}

asio::awaitable<void> EnergyPlatformSink::wait_until(Instant due) {
  waits_for_ = due;
  const std::chrono::seconds slot = enrolment_->upload_time();
  struct Waited {
    std::optional<Instant>& waits_for;
    ~Waited() { waits_for.reset(); }
  } waited{waits_for_};
  while (clock_.now() < due && enrolment_->upload_time() == slot) co_await sleep_towards(due);
}

asio::awaitable<void> EnergyPlatformSink::sleep_towards(Instant due) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - clock_.now());
  co_await clock_.sleep_until(clock_.ticks() +
                              std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(1), kLookAtClock));
}

asio::awaitable<model::Result<ports::Delivery>> EnergyPlatformSink::deliver_rows(std::span<const model::StoredRow> rows,
                                                                                 bool are_again) {
  if (rows.empty()) co_return ports::Delivery{};
  // The platform assigns the hour at which days may come.
  if (cadence_ != Cadence::real_time) co_await enrolment_->wait_until_ready(clock_.ticks() + kReadyPatience);
  if (auto read = co_await read_sums(); !read) co_return std::move(read).error();
  Batch batch = collect(rows);
  while (batch.through < rows.front().sequence && batch.due) {
    co_await wait_until(*batch.due);
    batch = collect(rows);
  }
  if (auto kept = co_await keep_sums(); !kept) co_return std::move(kept).error();  // before the rows are settled
  if (batch.records.empty()) {
    ports::Delivery delivery{.settled_through = batch.through, .rejected = {}, .skipped = {}};
    for (const model::StoredRow& row : rows) {
      if (row.sequence <= batch.through) delivery.skipped.push_back(row.sequence);
    }
    health_.status().rows_skipped += delivery.skipped.size();
    co_return delivery;
  }
  if (!co_await enrolment_->wait_until_ready(clock_.ticks() + kReadyPatience)) {
    const model::Fault fault{make_error_code(errc::not_connected), enrolment_->trouble()};
    health_.fault(fault);
    co_return fault;
  }
  const auto turn = co_await sending_.take();
  const Instant begun = clock_.now();
  const Sent sent = co_await send(batch, are_again);
  note(batch, sent, begun);
  drop_sums(batch, sent);
  auto delivery = finish(rows, batch, sent);
  if (auto kept = co_await keep_sums(); !kept) co_return std::move(kept).error();  // nothing older is sent once more
  co_return delivery;
}

// What is due of the sums that are kept. Where the platform takes nothing they wait, as rows do.
asio::awaitable<void> EnergyPlatformSink::send_sums() {
  while (!(co_await read_sums()).has_value()) co_await clock_.sleep_until(clock_.ticks() + kSendAgain);
  while (true) {
    const std::optional<Instant> next = next_sum();
    if (!next) {
      co_await sums_changed_.wait();
    } else if (*next > clock_.now()) {
      co_await sleep_towards(*next);
    } else if (co_await enrolment_->wait_until_ready(clock_.ticks() + kReadyPatience)) {
      bool is_all_done = false;
      {
        const auto turn = co_await sending_.take();
        const Batch batch = due_sums();
        if (batch.records.empty()) continue;
        const Instant begun = clock_.now();
        const Sent sent = co_await send(batch, false);
        note(batch, sent, begun);
        learn(batch, sent);
        drop_sums(batch, sent);
        for (const auto& [sequence, words] : sent.words) {
          spdlog::warn("sink {}: the platform refused a sum that was entered by hand: {}", name_, words);
        }
        is_all_done = std::ranges::find(sent.fates, Fate::open) == sent.fates.end();
      }
      const auto kept = co_await keep_sums();
      if (!is_all_done || !kept) co_await clock_.sleep_until(clock_.ticks() + kSendAgain);
    }
  }
}

std::optional<Instant> EnergyPlatformSink::next_sum() const {
  std::optional<Instant> next;
  for (const SumsUnderWay::Sum& sum : sums_.all()) {
    const Instant when = due(sum.period, sum.end, enrolment_->upload_time(), enrolment_->config().dialect.month_day);
    next = std::min(next.value_or(when), when);
  }
  return next;
}

EnergyPlatformSink::Batch EnergyPlatformSink::due_sums() const {
  const Config& config = enrolment_->config();
  const Instant now = clock_.now();
  tables::LocalTime time(config.time_zone);
  Batch batch;
  for (SumsUnderWay::Sum& sum : sums_.all()) {
    if (due(sum.period, sum.end, enrolment_->upload_time(), config.dialect.month_day) > now) continue;
    if (batch.records.size() == config.batch_records) break;
    sum.record.upload_date = date_text(time, now);
    batch.records.push_back(std::move(sum.record));
    batch.sequences.push_back(sum.sequence);
  }
  return batch;
}

void EnergyPlatformSink::drop_sums(const Batch& batch, const Sent& sent) {
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    if (sent.fates[i] != Fate::open) sums_.drop(batch.records[i], batch.sequences[i]);
  }
}

asio::awaitable<model::Result<void>> EnergyPlatformSink::read_sums() {
  if (has_read_sums_ || store_ == nullptr) co_return model::Result<void>();
  const auto text = co_await store_->kept(name_, kUnderWayName);
  if (!text) co_return text.error();
  if (!has_read_sums_) sums_.read(text->value_or(""), enrolment_->config().items);
  has_read_sums_ = true;
  co_return model::Result<void>();
}

// What is not kept is tried again with the next change.
asio::awaitable<model::Result<void>> EnergyPlatformSink::keep_sums() {
  if (sums_.is_changed()) sums_changed_.notify_all();
  if (!sums_.is_changed() || store_ == nullptr) co_return model::Result<void>();
  auto kept = co_await store_->keep(name_, kUnderWayName, sums_.to_text());
  if (!kept) sums_.keep_again();
  co_return kept;
}

// All at once; if that is refused a second time, item by item. Those that were refused before while others were not go
// apart in any case; so does what was a dead letter, and there may be no others of which the platform takes any.
asio::awaitable<EnergyPlatformSink::Sent> EnergyPlatformSink::send(const Batch& batch, bool are_again) {
  Sent sent(batch.records.size());
  const bool is_refused_again = are_again && refused_fronts_.contains(batch.sequences.front());
  std::vector<std::size_t> usual;
  std::map<ItemKey, std::vector<std::size_t>> suspect;
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    const ItemKey key{batch.records[i].code.digits, batch.records[i].stat_type};
    const auto rounds = rounds_.find(key);
    const bool is_suspect = is_refused_again || (rounds != rounds_.end() && rounds->second >= kRoundsMax);
    (is_suspect ? suspect[key] : usual).push_back(i);
  }
  Reply reply = usual.empty() ? Reply::success : co_await post(batch, usual, sent);
  if (reply == Reply::success) {
    for (const std::size_t i : usual) rounds_.erase({batch.records[i].code.digits, batch.records[i].stat_type});
  }
  if (reply == Reply::refusal) {
    sent.is_refusal = true;
    if (!refused_fronts_.contains(batch.sequences.front())) co_return sent;
    reply = co_await post_by_items(batch, usual, sent);
  }
  for (const auto& [key, records] : suspect) {
    if (reply == Reply::none) break;
    reply = co_await find_wrong(batch, records, sent);
    const bool is_good = std::ranges::all_of(records, [&](std::size_t i) { return sent.fates[i] == Fate::accepted; });
    if (is_good) rounds_.erase(key);
  }
  if (!sent.has_arrived && !is_refused_again) {  // it is not the records
    std::ranges::fill(sent.fates, Fate::open);
    sent.words.clear();
  }
  co_return sent;
}

// Of days, months and years, a line for each row. Quarter hours are too many: `carbongate platforms` counts them.
void EnergyPlatformSink::note(const Batch& batch, const Sent& sent, Instant begun) {
  if (cadence_ == Cadence::real_time) return;
  using Outcome = ports::Attempt::Outcome;
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    if (i != 0 && batch.sequences[i] == batch.sequences[i - 1]) continue;
    const codec::Record& record = batch.records[i];
    ports::Attempt attempt{
        .sequence = batch.sequences[i],
        .id = fmt::format("{} {} {}", record.code.digits, static_cast<int>(record.stat_type), record.stat_date),
        .sent = begun};
    if (sent.fates[i] == Fate::open) {
      attempt.answer = sent.trouble;
    } else {
      const auto words = sent.words.find(attempt.sequence);
      attempt.answered = clock_.now();
      attempt.outcome = sent.fates[i] == Fate::accepted ? Outcome::received : Outcome::refused;
      attempt.answer = words == sent.words.end() ? "success" : words->second;
    }
    log_.add(std::move(attempt));
  }
}

// None: there is no answer, and nothing else is tried now.
asio::awaitable<EnergyPlatformSink::Reply> EnergyPlatformSink::post(const Batch& batch,
                                                                    std::vector<std::size_t> records, Sent& sent) {
  const Config& config = enrolment_->config();
  if (sent.requests++ == kRequestsMax) co_return Reply::none;
  std::vector<codec::Record> part;
  for (const std::size_t i : records) part.push_back(batch.records[i]);
  auto body = codec::encode_data(part, enrolment_->registration(), config.enterprise_code, config.dialect);
  if (!body) {
    sent.trouble = "there is no key to encrypt with";
    co_return Reply::none;
  }
  health_.request();
  const std::string url = enrolment_->registration().urls.at(static_cast<std::size_t>(codec::Operation::data));
  const Outcome outcome = co_await caller_.post(url, std::move(*body), enrolment_->token());
  if (outcome.is_success()) {
    sent.has_arrived = true;
    for (const std::size_t i : records) sent.fates[i] = Fate::accepted;
    co_return Reply::success;
  }
  sent.trouble = outcome.trouble;
  co_return outcome.is_refusal() ? Reply::refusal : Reply::none;
}

asio::awaitable<EnergyPlatformSink::Reply> EnergyPlatformSink::post_by_items(const Batch& batch,
                                                                             const std::vector<std::size_t>& records,
                                                                             Sent& sent) {
  std::map<ItemKey, std::vector<std::size_t>> items;
  for (const std::size_t i : records) items[{batch.records[i].code.digits, batch.records[i].stat_type}].push_back(i);
  std::vector<ItemKey> refused;
  for (const auto& [key, of_item] : items) {
    const Reply reply = co_await post(batch, of_item, sent);
    if (reply == Reply::none) co_return reply;
    if (reply == Reply::success) rounds_.erase(key);
    if (reply == Reply::refusal) refused.push_back(key);
  }
  if (sent.has_arrived) {
    for (const ItemKey& key : refused) ++rounds_[key];
  }
  co_return Reply::success;
}

// Of one item: by halves, until single records are to blame.
asio::awaitable<EnergyPlatformSink::Reply> EnergyPlatformSink::find_wrong(const Batch& batch,
                                                                          const std::vector<std::size_t>& records,
                                                                          Sent& sent) {
  shared::DeliveryPlan plan(records.size());
  int alone = 0;
  bool is_any_taken = false;
  const auto refuse = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      sent.fates[records[i]] = Fate::refused;
      sent.words.try_emplace(batch.sequences[records[i]], sent.trouble);
    }
  };
  while (const auto range = plan.next()) {
    const auto first = records.begin() + static_cast<std::ptrdiff_t>(range->begin);
    const Reply reply = co_await post(batch, {first, first + static_cast<std::ptrdiff_t>(range->size())}, sent);
    if (reply == Reply::none) co_return reply;
    if (reply == Reply::success) {
      is_any_taken = true;
      plan.accepted();
    } else if (plan.refused(std::nullopt)) {
      refuse(range->begin, range->end);
      if (++alone < kRefusedAloneMax || is_any_taken) continue;
      for (const auto& rest : plan.pending()) refuse(rest.begin, rest.end);
      break;
    }
  }
  co_return Reply::success;
}

// What comes next, by how it went: as before, all of it told again, or registered anew.
void EnergyPlatformSink::learn(const Batch& batch, const Sent& sent) {
  if (std::ranges::find(sent.fates, Fate::open) == sent.fates.end()) {
    refused_fronts_.erase(batch.sequences.front());
    unanswered_ = 0;
    refusals_ = 0;
    return health_.success();
  }
  if (refused_fronts_.size() > kRefusedFrontsMax) refused_fronts_.clear();
  if (sent.is_refusal) {
    refused_fronts_.insert(batch.sequences.front());
  } else {
    refused_fronts_.erase(batch.sequences.front());
  }
  unanswered_ = sent.is_refusal || sent.has_arrived ? 0 : unanswered_ + 1;
  refusals_ = sent.is_refusal ? refusals_ + 1 : 0;
  if (refusals_ % kRefusalsMax == kRefusalsMax - 1) enrolment_->tell_all_again();
  if (sent.is_refusal || unanswered_ >= kUnansweredMax) {
    unanswered_ = 0;
    enrolment_->begin_again();
  }
  health_.fault({make_error_code(errc::connection_aborted), sent.trouble});
}

model::Result<ports::Delivery> EnergyPlatformSink::finish(std::span<const model::StoredRow> rows, const Batch& batch,
                                                          const Sent& sent) {
  ports::SinkStatus& status = health_.status();
  ports::Delivery delivery{.settled_through = batch.through, .rejected = {}, .skipped = {}};
  learn(batch, sent);
  const auto open = std::ranges::find(sent.fates, Fate::open);
  if (open != sent.fates.end()) {
    delivery.settled_through = batch.sequences[static_cast<std::size_t>(open - sent.fates.begin())] - 1;
    if (delivery.settled_through < rows.front().sequence) {
      return model::Fault{make_error_code(errc::connection_aborted), sent.trouble};
    }
  }
  for (const model::StoredRow& row : rows) {
    if (row.sequence > delivery.settled_through) break;
    if (const auto words = sent.words.find(row.sequence); words != sent.words.end()) {
      delivery.rejected.push_back({row.sequence, words->second});
    } else if (std::ranges::binary_search(batch.sequences, row.sequence)) {
      ++status.rows_accepted;
      warn_of_gaps(row);
    } else {
      delivery.skipped.push_back(row.sequence);
    }
  }
  status.rows_rejected += delivery.rejected.size();
  status.rows_skipped += delivery.skipped.size();
  return delivery;
}

}  // namespace carbongate::sinks::energy_platform
