#include "drivers/modbus/session_fsm.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace carbongate::modbus_driver {
namespace {

using io::SteadyTime;
using std::chrono::milliseconds;

constexpr milliseconds kBackoffBase{1'000};
constexpr milliseconds kReconnectBase{500};
constexpr milliseconds kRetryAfterLoss{1'000};
constexpr milliseconds kProbePatience{30'000};  // a silent device waits no longer than this for those that answer
constexpr std::uint8_t kGatewayPathUnavailable = 10;
constexpr std::uint8_t kGatewayTargetSilent = 11;
constexpr std::uint8_t kIllegalFunction = 1;
constexpr std::uint8_t kIllegalAddress = 2;
constexpr std::uint8_t kIllegalValue = 3;

io::Backoff make_backoff(milliseconds base, const std::optional<std::uint64_t>& seed) {
  const milliseconds cap = SessionFsm::kBackoffCap;
  return seed ? io::Backoff(base, cap, *seed) : io::Backoff(base, cap);
}

std::string describe(const modbus::ReadRequest& request) {
  return fmt::format("{} {}..{}", modbus::to_string(request.function), request.address,
                     request.address + request.count - 1);
}

std::string describe(modbus::Exception exception) {
  return fmt::format("exception {} ({})", exception.code, modbus::exception_name(exception.code));
}

std::size_t answer_bytes(const modbus::ReadRequest& request) {
  constexpr std::size_t kFrameAround = 5;
  return kFrameAround + (modbus::reads_bits(request.function) ? (request.count + 7u) / 8u : request.count * 2u);
}

}  // namespace

SessionFsm::SessionFsm(LineOptions options, std::vector<PolledDevice> devices, std::vector<std::size_t> only)
    : options_(options), link_backoff_(make_backoff(kReconnectBase, options.seed)) {
  for (PolledDevice& config : devices) {
    Device device{.config = std::move(config), .blocks = {}, .backoff = make_backoff(kBackoffBase, options.seed)};
    plan(device);
    const bool asked = only.empty() || std::ranges::find(only, devices_.size()) != only.end();
    device.done = !asked || device.blocks.empty();
    statuses_.emplace_back().device = device.config.id;
    frames_.emplace_back();
    devices_.push_back(std::move(device));
  }
}

void SessionFsm::plan(Device& device) {
  device.divided_at.reset();
  device.blocks.clear();
  for (Block& block : plan_reads(device.config.fields, device.config.limits))
    device.blocks.emplace_back(std::move(block));
}

SessionFsm::Action SessionFsm::next(Moment now) {
  if (!deliveries_.empty()) {
    Deliver delivery = std::move(deliveries_.front());
    deliveries_.erase(deliveries_.begin());
    return delivery;
  }
  if (std::exchange(disconnect_, false)) return Disconnect{};
  if (all_done()) return Stop{};
  return link_ == Link::up ? next_up(now) : next_down(now);
}

SessionFsm::Action SessionFsm::next_down(Moment now) {
  if (now.ticks < reconnect_at_) return Wait{reconnect_at_};
  link_ = Link::connecting;
  return Connect{};
}

SessionFsm::Action SessionFsm::next_up(Moment now) {
  if (outstanding_ && now.ticks >= outstanding_->deadline) {
    on_timeout(now);
    return next(now);
  }
  if (outstanding_) return Receive{outstanding_->deadline};
  if (!cycle_) {
    const auto device = choose_device(now.ticks);
    if (!device) return Receive{next_due()};
    begin_cycle(*device, now);
  }
  if (now.ticks < not_before_) return Receive{not_before_};
  return send_request(now);
}

// Somebody waits for what was asked for. Else who answers goes first, by the time it fell due; a silent one is asked
// when nobody else is waiting, or has waited long.
std::optional<std::size_t> SessionFsm::choose_device(SteadyTime now) const {
  std::optional<std::size_t> best;
  const auto rank = [&](const Device& device) {
    const bool waits_in_line = device.silent && now - device.due < kProbePatience;
    return std::tuple(!device.asked, waits_in_line, device.due);
  };
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const Device& device = devices_[i];
    if (device.done || (device.due > now && !device.asked)) continue;
    if (!best || rank(device) < rank(devices_[*best])) best = i;
  }
  return best;
}

SteadyTime SessionFsm::next_due() const {
  SteadyTime due = SteadyTime::max();
  for (const Device& device : devices_) {
    if (!device.done) due = std::min(due, device.asked ? SteadyTime::min() : device.due);
  }
  return due;
}

void SessionFsm::begin_cycle(std::size_t index, Moment now) {
  Device& device = devices_[index];
  const bool is_extra = device.due > now.ticks;
  if (!is_extra) {  // polls keep to a grid; those that this one is already late for are left out
    const auto missed = (now.ticks - device.due) / device.config.interval;
    statuses_[index].skipped += static_cast<std::uint64_t>(missed);
    device.due += device.config.interval * (missed + 1);
  }

  // An address refused for good and one refused while the device was starting look the same, so no division is for
  // ever. Time decides, not a new connection: units behind a gateway restart without one, a device that closes idle
  // connections gets one for each poll, and one that hangs up on a block would be asked for that block first each time.
  if (device.divided_at && now.ticks - *device.divided_at >= kDivisionKept) plan(device);
  cycle_.emplace(Cycle{.device = index,
                       .block = 0,
                       .left = device.blocks.size(),
                       .asked = std::exchange(device.asked, false),
                       .extra = is_extra,
                       .detail = {},
                       .values = {}});
  if (device.blocks.front().refused_until > now.ticks) advance_cycle(now);
}

void SessionFsm::advance_cycle(Moment now) {
  const Device& device = devices_[cycle_->device];
  do {
    ++cycle_->block;
    --cycle_->left;
  } while (cycle_->left != 0 && device.blocks[cycle_->block].refused_until > now.ticks);
  if (cycle_->left == 0) end_cycle(now);
}

void SessionFsm::end_cycle(Moment now) {
  Cycle cycle = *std::exchange(cycle_, std::nullopt);
  Device& device = devices_[cycle.device];
  DeviceStatus& status = statuses_[cycle.device];
  using State = DeviceStatus::State;
  for (const PlannedBlock& block : device.blocks) {
    if (cycle.detail.empty() && block.refused_until > now.ticks) cycle.detail = block.refusal;
  }
  // From a device that refuses everything, as meters do while they start, nothing is learned about single addresses:
  // what was divided is whole again, and all of it is asked for at the next poll.
  const auto refused = [&](const PlannedBlock& block) { return block.refused_until > now.ticks; };
  if (std::ranges::all_of(device.blocks, refused)) plan(device);
  set_state(cycle.device, cycle.values.empty() ? State::offline : State::online, now, cycle.detail);
  const bool was_silent = std::exchange(device.silent, !cycle.heard);
  if (device.silent) {
    // Asking does not make the pauses longer.
    if (!cycle.extra || !was_silent) device.due = std::max(device.due, now.ticks + device.backoff.next());
  } else {
    device.backoff.reset();
    proven_ = true;
    link_backoff_.reset();
    if (cycle.extra) {
      device.due = std::min(device.due, now.ticks + device.config.interval);  // it may have been left alone for longer
    } else if (device.due <= now.ticks) {                                     // fell due while this poll was under way
      const auto missed = (now.ticks - device.due) / device.config.interval + 1;
      status.skipped += static_cast<std::uint64_t>(missed);
      device.due += device.config.interval * missed;
    }
  }
  device.done = device.done || options_.once;
  answer(cycle, cycle.detail);
  if (!cycle.values.empty()) deliveries_.push_back({cycle.device, std::move(cycle.values)});
}

SessionFsm::Action SessionFsm::send_request(Moment now) {
  const Device& device = devices_[cycle_->device];
  const modbus::ReadRequest& request = device.blocks[cycle_->block].block.request;
  const modbus::Bytes pdu = modbus::encode(request);
  if (options_.framing == LineOptions::Framing::tcp) {
    frame_ = modbus::encode_tcp(++transaction_, device.config.unit, pdu);
  } else {
    receiver_.clear();  // what is left of the line's last words answers nothing
    unread_.clear();
    frame_ = modbus::encode_rtu(device.config.unit, pdu);
  }
  const auto on_the_line = options_.byte_time * (frame_.size() + answer_bytes(request));
  const auto patience = device.config.timeout + std::chrono::ceil<milliseconds>(on_the_line);
  outstanding_.emplace(Outstanding{request, transaction_, now.ticks, now.ticks + patience});
  ++statuses_[cycle_->device].polls;
  frames_[cycle_->device].add(now.wall, Frame::Direction::sent, frame_).unit = device.config.unit;
  line_use_.begin(now.ticks);
  return Send{frame_, outstanding_->deadline};
}

void SessionFsm::connected(Moment now) {
  link_ = Link::up;
  link_since_ = now.wall;
  link_detail_.clear();
  ++connects_;
  proven_ = false;
  silent_requests_ = 0;
  not_before_ = now.ticks;
  stream_.clear();
  receiver_.clear();
  const bool rested = std::exchange(resting_, false);
  for (Device& device : devices_) {
    if (rested) break;  // they keep to their grid; what it took to connect does not move it
    // Polls begin, or begin again, now; nobody was there to skip them.
    if (device.due < now.ticks || (unreachable_ && device.silent)) device.due = now.ticks;
  }
  unreachable_ = false;
}

void SessionFsm::lost(Moment now, const std::string& why) {
  // Who closes a connection between polls has failed nobody: it is made again when it is needed, and only if that fails
  // are devices offline. `next_due() > now` keeps a server that accepts and closes from being hammered.
  resting_ = link_ == Link::up && !cycle_ && !options_.once && next_due() > now.ticks;
  if (resting_) {
    close_link(now, why, next_due());
    return;
  }
  // A server that breaks off a poll is connected to again at once. One that has not finished a single poll on this
  // connection is given time.
  const bool at_once = link_ == Link::up && proven_;
  close_link(now, why, at_once ? now.ticks : now.ticks + link_backoff_.next());
  if (!at_once || options_.once) set_all_offline(now, why);
}

void SessionFsm::close_link(Moment now, const std::string& why, SteadyTime reconnect_at) {
  if (link_ == Link::up || link_detail_.empty()) link_since_ = now.wall;
  link_ = Link::down;
  link_detail_ = why;
  reconnect_at_ = reconnect_at;
  if (!cycle_) return;
  const bool was_asking = outstanding_.has_value();
  outstanding_.reset();
  Cycle cycle = *std::exchange(cycle_, std::nullopt);
  Device& device = devices_[cycle.device];
  device.due = std::min(device.due, now.ticks + kRetryAfterLoss);
  if (was_asking) {
    ++statuses_[cycle.device].errors;
    Frame& frame = frames_[cycle.device].add(now.wall, Frame::Direction::missing);
    frame.unit = device.config.unit;
    frame.trouble = why;
    line_use_.end(now.ticks);
    begin_behind(device, cycle.block);
  }
  answer(cycle, why);
  if (!cycle.values.empty()) deliveries_.push_back({cycle.device, std::move(cycle.values)});
}

// The next poll begins behind this block. Where others answer with an exception, some devices say nothing or hang up;
// that must not keep the rest of their registers from us.
void SessionFsm::begin_behind(Device& device, std::size_t block) {
  std::rotate(device.blocks.begin(), device.blocks.begin() + static_cast<std::ptrdiff_t>(block + 1),
              device.blocks.end());
}

void SessionFsm::give_up(Moment now, const std::string& why) {
  set_all_offline(now, why);
}

void SessionFsm::ask(std::size_t device, Moment now) {
  if (cycle_ && cycle_->device == device && cycle_->asked) return;
  if (devices_[device].done) {
    answered_.push_back({.delivery = {device, {}}, .trouble = "nothing is read of it"});
    return;
  }
  devices_[device].asked = true;
  if (link_ == Link::down) reconnect_at_ = std::min(reconnect_at_, now.ticks);
}

std::vector<SessionFsm::Answered> SessionFsm::take_answered() {
  return std::exchange(answered_, {});
}

void SessionFsm::answer(const Cycle& cycle, const std::string& trouble) {
  if (cycle.asked) answered_.push_back({.delivery = {cycle.device, cycle.values}, .trouble = trouble});
}

std::vector<std::size_t> SessionFsm::take_touched() {
  return std::exchange(touched_, {});
}

void SessionFsm::set_all_offline(Moment now, const std::string& detail) {
  unreachable_ = true;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (std::exchange(devices_[i].asked, false)) answered_.push_back({.delivery = {i, {}}, .trouble = detail});
    if (devices_[i].done) continue;
    set_state(i, DeviceStatus::State::offline, now, detail);
    if (options_.once) devices_[i].done = true;
  }
}

void SessionFsm::received(Moment now, std::span<const std::byte> bytes) {
  silent_requests_ = 0;
  options_.framing == LineOptions::Framing::tcp ? receive_tcp(now, bytes) : receive_rtu(now, bytes);
}

void SessionFsm::receive_tcp(Moment now, std::span<const std::byte> bytes) {
  stream_.insert(stream_.end(), bytes.begin(), bytes.end());
  std::size_t taken = 0;
  while (link_ == Link::up) {
    const auto frame = modbus::decode_tcp(std::span(stream_).subspan(taken));
    if (!frame) {
      disconnect_ = true;
      const std::string why = "not Modbus TCP: " + frame.error().message();
      if (cycle_) {
        Frame& heard =
            frames_[cycle_->device].add(now.wall, Frame::Direction::received, std::span(stream_).subspan(taken));
        heard.trouble = why;
      }
      lost(now, why);
      resting_ = false;  // worth a word, whenever it comes
      return;
    }
    if (!*frame) break;
    const auto whole = std::span<const std::byte>(stream_).subspan(taken, (*frame)->bytes);
    taken += (*frame)->bytes;
    on_frame(now, (*frame)->unit, (*frame)->transaction, (*frame)->pdu, whole);
  }
  stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(taken));
}

void SessionFsm::receive_rtu(Moment now, std::span<const std::byte> bytes) {
  receiver_.feed(bytes);
  const std::size_t room = modbus::kRtuFrameBytesMax - unread_.size();
  unread_.insert(unread_.end(), bytes.begin(),
                 bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), room)));
  while (const auto frame = receiver_.next()) {
    unread_.clear();
    const std::span<const std::byte> whole(frame->pdu.data() - 1, frame->bytes);  // the unit stands before the PDU
    on_frame(now, frame->unit, std::nullopt, frame->pdu, whole);
  }
}

// Of what nobody asked for: it is shown with the device that has this unit.
void SessionFsm::note_late(Moment now, std::uint8_t unit, std::span<const std::byte> whole) {
  ++late_answers_;
  std::size_t of = cycle_ ? cycle_->device : 0;
  if (!cycle_ || devices_[of].config.unit != unit) {
    const auto found = std::ranges::find(devices_, unit, [](const Device& device) { return device.config.unit; });
    if (found == devices_.end()) return;
    of = static_cast<std::size_t>(found - devices_.begin());
  }
  Frame& frame = frames_[of].add(now.wall, Frame::Direction::received, whole);
  frame.unit = unit;
  frame.trouble = "answers no request that is under way";
}

void SessionFsm::note_noise(Moment now) {
  if (unread_.empty()) return;
  Frame& frame = frames_[cycle_->device].add(now.wall, Frame::Direction::received, unread_);
  frame.trouble = "no whole frame: noise, a wrong CRC, or cut off";
  unread_.clear();
}

void SessionFsm::on_frame(Moment now, std::uint8_t unit, std::optional<std::uint16_t> transaction,
                          std::span<const std::byte> pdu, std::span<const std::byte> whole) {
  const bool mine = outstanding_ && unit == devices_[cycle_->device].config.unit &&
                    (!transaction || *transaction == outstanding_->transaction);
  if (!mine) return note_late(now, unit, whole);
  const auto answer = modbus::match_answer(outstanding_->request, pdu);
  if (!answer && !transaction) return note_late(now, unit, whole);  // on a serial line the right answer may still come
  DeviceStatus& status = statuses_[cycle_->device];
  cycle_->heard = true;
  const Duration took = now.ticks - outstanding_->sent_at;
  status.round_trip = std::max<Duration>(took, std::chrono::milliseconds(1));  // of a fast one at least what is told
  not_before_ = now.ticks + std::max(options_.silence, devices_[cycle_->device].config.pause);
  line_use_.end(not_before_);
  Frame& frame = frames_[cycle_->device].add(now.wall, Frame::Direction::received, whole);
  frame.unit = unit;
  frame.took = took;
  if (!answer) {
    ++status.errors;
    frame.trouble = answer.error().message();
    cycle_->detail = frame.trouble + " at " + describe(outstanding_->request);
    outstanding_.reset();
    advance_cycle(now);
  } else if (const auto* exception = std::get_if<modbus::Exception>(&*answer)) {
    frame.trouble = describe(*exception);
    on_exception(now, *exception);
  } else {
    on_data(now, std::get<std::span<const std::byte>>(*answer));
  }
}

void SessionFsm::on_data(Moment now, std::span<const std::byte> data) {
  const Device& device = devices_[cycle_->device];
  statuses_[cycle_->device].heard = now.wall;
  const Block& block = device.blocks[cycle_->block].block;
  for (const std::size_t field : block.fields) {
    const Value value = decode_value(device.config.fields[field], block.request.address, data);
    cycle_->values.push_back({field, value, now.wall});
  }
  outstanding_.reset();
  advance_cycle(now);
}

void SessionFsm::on_exception(Moment now, modbus::Exception exception) {
  Device& device = devices_[cycle_->device];
  ++statuses_[cycle_->device].errors;
  const modbus::ReadRequest request = std::exchange(outstanding_, std::nullopt)->request;
  std::string detail = describe(exception) + " at " + describe(request);
  if (exception.code == kGatewayPathUnavailable || exception.code == kGatewayTargetSilent) {
    cycle_->detail = std::move(detail);
    cycle_->heard = !cycle_->values.empty();  // the gateway speaks, its unit does not
    end_cycle(now);
    return;
  }
  if (exception.code == kIllegalAddress) {
    std::vector<Block> parts = divide(device.blocks[cycle_->block].block, device.config.fields);
    if (!parts.empty()) {
      const auto at = device.blocks.begin() + static_cast<std::ptrdiff_t>(cycle_->block);
      std::vector<PlannedBlock> planned;
      for (Block& part : parts) planned.emplace_back(std::move(part));
      cycle_->left += planned.size() - 1;
      const auto next = device.blocks.erase(at);
      device.blocks.insert(next, std::make_move_iterator(planned.begin()), std::make_move_iterator(planned.end()));
      if (!device.divided_at) device.divided_at = now.ticks;
      return;  // asked for next, in this same cycle; only what they lack is worth a word
    }
  }
  cycle_->detail = std::move(detail);
  if (exception.code == kIllegalFunction || exception.code == kIllegalAddress || exception.code == kIllegalValue) {
    device.blocks[cycle_->block].refused_until = now.ticks + kRefusedRetry;
    device.blocks[cycle_->block].refusal = cycle_->detail;
  }
  advance_cycle(now);
}

void SessionFsm::on_timeout(Moment now) {
  Device& device = devices_[cycle_->device];
  ++statuses_[cycle_->device].errors;
  const modbus::ReadRequest request = std::exchange(outstanding_, std::nullopt)->request;
  cycle_->detail = fmt::format("no answer within {} ms", device.config.timeout.count());
  note_noise(now);
  Frame& frame = frames_[cycle_->device].add(now.wall, Frame::Direction::missing);
  frame.unit = device.config.unit;
  frame.trouble = cycle_->detail;
  if (cycle_->heard) cycle_->detail += " to " + describe(request);
  not_before_ = now.ticks + options_.quiet_after_timeout;
  line_use_.end(not_before_);
  begin_behind(device, cycle_->block);
  end_cycle(now);
  if (++silent_requests_ >= kSilentRequestsMax && options_.reconnect_when_silent && !options_.once) {
    disconnect_ = true;
    close_link(now, fmt::format("no answer to {} requests in a row", silent_requests_), now.ticks);
  }
}

void SessionFsm::set_state(std::size_t device, DeviceStatus::State state, Moment now, const std::string& detail) {
  DeviceStatus& status = statuses_[device];
  if (status.state != state) status.since = now.wall;
  status.state = state;
  status.detail = detail;
  if (std::ranges::find(touched_, device) == touched_.end()) touched_.push_back(device);
}

bool SessionFsm::all_done() const {
  return options_.once && std::ranges::all_of(devices_, [](const Device& device) { return device.done; });
}

}  // namespace carbongate::modbus_driver
