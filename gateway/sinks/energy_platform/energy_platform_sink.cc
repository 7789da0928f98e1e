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

}  // namespace

EnergyPlatformSink::EnergyPlatformSink(std::string name, std::shared_ptr<Enrolment> enrolment, Cadence cadence,
                                       asio::any_io_executor executor, io::Clock& clock)
    : name_(std::move(name)),
      enrolment_(std::move(enrolment)),
      cadence_(cadence),
      clock_(clock),
      caller_(enrolment_->config(), std::move(executor), kAnswerBytesMax),
      maker_(enrolment_->config(), cadence),
      health_(name_, clock) {}

asio::awaitable<void> EnergyPlatformSink::attend() {
  if (cadence_ == Cadence::real_time) co_await enrolment_->run();
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
    if (records.empty()) {
      ++batch.skipped;
    } else {
      const Instant when = due(row.body.get<model::RollupRow>(), enrolment_->upload_time(), config.dialect.month_day);
      if (cadence_ != Cadence::real_time && when > now) {
        batch.due = when;
        break;
      }
      if (!batch.records.empty() && batch.records.size() + records.size() > config.batch_records) break;
      warn_of_gaps(row);
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
  while (clock_.now() < due && enrolment_->upload_time() == slot) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - clock_.now());
    co_await clock_.sleep_until(
        clock_.ticks() + std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(1), kLookAtClock));
  }
}

asio::awaitable<model::Result<ports::Delivery>> EnergyPlatformSink::deliver(std::span<const model::StoredRow> rows) {
  if (rows.empty()) co_return ports::Delivery{};
  // The platform assigns the hour at which days may come.
  if (cadence_ != Cadence::real_time) co_await enrolment_->wait_until_ready(clock_.ticks() + kReadyPatience);
  Batch batch = collect(rows);
  while (batch.through < rows.front().sequence && batch.due) {
    co_await wait_until(*batch.due);
    batch = collect(rows);
  }
  if (batch.records.empty()) {
    health_.status().rows_skipped += batch.skipped;
    co_return ports::Delivery{.settled_through = batch.through, .rejected = {}, .skipped = batch.skipped};
  }
  if (!co_await enrolment_->wait_until_ready(clock_.ticks() + kReadyPatience)) {
    const model::Fault fault{make_error_code(errc::not_connected), enrolment_->trouble()};
    health_.fault(fault);
    co_return fault;
  }
  const Sent sent = co_await send(batch);
  co_return finish(rows, batch, sent);
}

// All at once. If that is refused a second time, by halves, until single records are to blame; as long as the platform
// takes none at all, it is not the records.
asio::awaitable<EnergyPlatformSink::Sent> EnergyPlatformSink::send(const Batch& batch) {
  const Config& config = enrolment_->config();
  Sent sent;
  shared::DeliveryPlan plan(batch.records.size());
  std::size_t refused_record = batch.records.size();
  const bool is_searched = refused_front_ == batch.sequences.front();
  int alone = 0;  // single records that were refused
  for (int requests = 0; const auto range = plan.next();) {
    if (requests++ == kRequestsMax) break;
    const std::span<const codec::Record> part = std::span(batch.records).subspan(range->begin, range->size());
    auto body = codec::encode_data(part, enrolment_->registration(), config.enterprise_code, config.dialect);
    if (!body) {
      sent.trouble = "there is no key to encrypt with";
      break;
    }
    health_.request();
    const std::string& url = enrolment_->registration().urls.at(static_cast<std::size_t>(codec::Operation::data));
    const Outcome outcome = co_await caller_.post(url, std::move(*body), enrolment_->token());
    if (outcome.is_success()) {
      sent.has_arrived = true;
      plan.accepted();
      continue;
    }
    sent.trouble = outcome.trouble;
    sent.is_refusal = outcome.is_refusal();
    if (!outcome.is_refusal() || !is_searched) break;
    if (!plan.refused(std::nullopt)) continue;
    if (range->begin < refused_record) {
      refused_record = range->begin;
      sent.refused = batch.sequences[range->begin];
      sent.words = outcome.trouble;
    }
    if (++alone == kRefusedAloneMax && !sent.has_arrived) break;
  }
  std::size_t open = refused_record;
  for (const auto& range : plan.pending()) open = std::min(open, range.begin);
  if (open < batch.records.size()) sent.first_open = batch.sequences[open];
  co_return sent;
}

model::Result<ports::Delivery> EnergyPlatformSink::finish(std::span<const model::StoredRow> rows, const Batch& batch,
                                                          const Sent& sent) {
  ports::SinkStatus& status = health_.status();
  ports::Delivery delivery{.settled_through = batch.through, .rejected = {}, .skipped = 0};
  if (sent.first_open != 0) {
    refused_front_ = sent.is_refusal || sent.refused != 0 ? batch.sequences.front() : 0;
    enrolment_->begin_again();
    delivery.settled_through = sent.first_open - 1;
    if (sent.refused == sent.first_open && sent.has_arrived) {
      if (std::exchange(stuck_, sent.refused) != sent.refused) rounds_ = 0;
      if (++rounds_ >= kRoundsMax) {
        delivery.settled_through = sent.refused;
        delivery.rejected.push_back({sent.refused, sent.words});
        ++status.rows_rejected;
      }
    }
    const model::Fault fault{make_error_code(errc::connection_aborted), sent.trouble};
    health_.fault(fault);
    if (delivery.settled_through < rows.front().sequence) return fault;
  } else {
    refused_front_ = 0;
    health_.success();
  }
  for (const model::StoredRow& row : rows) {
    if (row.sequence > delivery.settled_through) break;
    if (std::ranges::binary_search(batch.sequences, row.sequence)) {
      ++status.rows_accepted;
    } else {
      ++delivery.skipped;
    }
  }
  status.rows_accepted -= delivery.rejected.size();
  status.rows_skipped += delivery.skipped;
  return delivery;
}

}  // namespace carbongate::sinks::energy_platform
