// The conversation on one Modbus connection with all units behind it, without I/O: what to do next is asked of it, what
// happened is told to it, and time is an argument.
//
//   action:     Connect   Disconnect   Send   Receive    Wait      Deliver   Stop
//   then tell:  connected or lost      -      received   -         -
//                                      (any of the three may also end with lost)
//
// One request is under way at a time. A device's requests follow each other without a break, so that its values belong
// together; devices take turns in the order in which they fall due. A device that does not answer costs one deadline
// and is then left alone for a while that doubles up to 30 s; devices that do answer go first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "drivers/api/driver.h"
#include "drivers/api/frame_log.h"
#include "drivers/api/line_use.h"
#include "drivers/api/reading.h"
#include "drivers/modbus/poll_plan.h"
#include "drivers/modbus/register_field.h"
#include "protocols/io/backoff.h"
#include "protocols/io/clock.h"
#include "protocols/modbus/rtu_frame.h"
#include "protocols/modbus/tcp_frame.h"

namespace carbongate::modbus_driver {

struct Moment {
  io::SteadyTime ticks;  // for deadlines
  Instant wall;          // for stamps
};

struct PolledDevice {
  std::string id;
  std::uint8_t unit = 1;
  Duration interval{10'000};
  Duration timeout{1'000};  // from the request to the whole answer
  Duration pause{0};        // this device wants to be left alone so long after an answer
  ReadLimits limits{};
  std::vector<RegisterField> fields;
};

struct LineOptions {
  enum class Framing : std::uint8_t { tcp, rtu } framing = Framing::tcp;
  Duration silence{0};              // RTU: between an answer and the next request
  Duration quiet_after_timeout{0};  // RTU: a late answer can pass before the next request
  std::chrono::microseconds byte_time{
      0};                               // serial: how long a byte takes; added to the deadline for those of both frames
  bool reconnect_when_silent = true;    // a TCP connection can be dead without anyone having said so
  bool once = false;                    // every device's poll is done once, then Stop
  std::optional<std::uint64_t> seed{};  // of the jitter; random if absent
};

struct FieldValue {
  std::size_t field = 0;  // index into PolledDevice::fields
  Value value;
  Instant at;  // when its answer arrived
};

class SessionFsm {
 public:
  static constexpr Duration kBackoffCap{30'000};
  static constexpr Duration kRefusedRetry{60'000};     // a block that the device refuses is asked for again after this
  static constexpr Duration kDivisionKept{3'600'000};  // a division of blocks is put to the test again after this
  static constexpr int kSilentRequestsMax = 3;  // in a row, nothing at all heard meanwhile: the connection is renewed

  struct Connect {};
  struct Disconnect {};
  struct Send {
    std::span<const std::byte> bytes;  // live until the next call
    io::SteadyTime until;              // if they are not written by then, the connection is lost
  };
  struct Receive {
    io::SteadyTime until;
  };
  struct Wait {  // not connected
    io::SteadyTime until;
  };
  struct Deliver {
    std::size_t device;
    std::vector<FieldValue> values;  // not empty
  };
  struct Stop {};
  using Action = std::variant<Connect, Disconnect, Send, Receive, Wait, Deliver, Stop>;

  // With `once`, only the devices whose index is in `only` are polled (all, if it is empty).
  SessionFsm(LineOptions options, std::vector<PolledDevice> devices, std::vector<std::size_t> only = {});

  Action next(Moment now);

  void connected(Moment now);
  void lost(Moment now, const std::string& why);                // could not connect, or the connection broke
  void received(Moment now, std::span<const std::byte> bytes);  // at most 256 bytes at a time
  void give_up(Moment now, const std::string& why);             // with `once`: Stop, whoever has not been asked yet

  // One more poll of this device, before any other; those that its interval gives it keep their times. Not connected:
  // that is tried at once. If such a poll is under way already, its answer will do.
  void ask(std::size_t device, Moment now);

  // What became of what was asked for: `delivery.values` is empty if nothing was read.
  struct Answered {
    Deliver delivery;
    std::string trouble;  // the last thing that went wrong; "" if nothing did
  };
  std::vector<Answered> take_answered();

  // The devices whose status may have changed since the last call, each once.
  std::vector<std::size_t> take_touched();

  bool is_connected() const { return link_ == Link::up; }
  // The device closed an idle connection. Nothing is wrong: the next poll opens another.
  bool is_resting() const { return resting_; }
  Instant connected_since() const { return link_since_; }          // of is_connected()
  const std::string& link_detail() const { return link_detail_; }  // why the last connection ended or could not be made
  std::uint64_t reconnects() const { return connects_ > 0 ? connects_ - 1 : 0; }
  std::uint64_t late_answers() const { return late_answers_; }  // and other frames that answer nothing: discarded
  std::uint64_t noise_bytes() const { return receiver_.noise_bytes(); }
  const std::vector<DeviceStatus>& statuses() const { return statuses_; }
  const FrameLog& frames(std::size_t device) const { return frames_[device]; }

  // The share of the last minute from requests to their answers or deadlines, with the silence to be kept behind them.
  std::optional<double> line_use(io::SteadyTime now) const { return line_use_.share(now); }

 private:
  enum class Link : std::uint8_t { down, connecting, up };

  struct PlannedBlock {
    explicit PlannedBlock(Block b) : block(std::move(b)) {}
    Block block;
    io::SteadyTime refused_until{};
    std::string refusal;  // why
  };
  struct Device {
    PolledDevice config;
    std::vector<PlannedBlock> blocks;
    std::optional<io::SteadyTime> divided_at{};  // `blocks` are no longer those of plan_reads() since
    io::SteadyTime due{};
    bool silent = false;  // did not answer its last poll at all
    bool done = false;    // with `once`: polled, or not asked for
    bool asked = false;   // somebody wants a poll out of turn
    io::Backoff backoff;
  };
  // The poll under way.
  struct Cycle {
    std::size_t device;
    std::size_t block;   // index of the block to ask for or being asked for
    std::size_t left;    // blocks of this cycle not asked yet, `block` included
    bool asked = false;  // somebody waits for it
    bool extra = false;  // besides those of the interval
    bool heard = false;  // the device has answered something
    std::string detail;  // the last thing that went wrong
    std::vector<FieldValue> values;
  };
  struct Outstanding {
    modbus::ReadRequest request;
    std::uint16_t transaction;
    io::SteadyTime sent_at;
    io::SteadyTime deadline;
  };

  Action next_down(Moment now);
  Action next_up(Moment now);
  std::optional<std::size_t> choose_device(io::SteadyTime now) const;
  io::SteadyTime next_due() const;
  void begin_cycle(std::size_t device, Moment now);
  void advance_cycle(Moment now);
  void end_cycle(Moment now);
  Action send_request(Moment now);
  void on_frame(Moment now, std::uint8_t unit, std::optional<std::uint16_t> transaction, std::span<const std::byte> pdu,
                std::span<const std::byte> whole);
  void note_late(Moment now, std::uint8_t unit, std::span<const std::byte> whole);
  void note_noise(Moment now);
  void on_data(Moment now, std::span<const std::byte> data);
  void on_exception(Moment now, modbus::Exception exception);
  void on_timeout(Moment now);
  void set_state(std::size_t device, DeviceStatus::State state, Moment now, const std::string& detail);
  void set_all_offline(Moment now, const std::string& detail);
  static void plan(Device& device);
  void begin_behind(Device& device, std::size_t block);
  void close_link(Moment now, const std::string& why, io::SteadyTime reconnect_at);
  void answer(const Cycle& cycle, const std::string& trouble);
  bool all_done() const;
  void receive_tcp(Moment now, std::span<const std::byte> bytes);
  void receive_rtu(Moment now, std::span<const std::byte> bytes);

  LineOptions options_;
  std::vector<Device> devices_;
  std::vector<DeviceStatus> statuses_;
  std::vector<FrameLog> frames_;
  LineUse line_use_;

  Link link_ = Link::down;
  Instant link_since_{};
  std::string link_detail_;
  io::Backoff link_backoff_;
  io::SteadyTime reconnect_at_{};
  bool disconnect_ = false;   // to be closed from our side
  bool unreachable_ = false;  // said so of all devices
  bool resting_ = false;      // closed by the device between polls
  bool proven_ = false;       // a poll has come to its end on this connection
  int silent_requests_ = 0;
  std::uint64_t connects_ = 0;

  std::optional<Cycle> cycle_;
  std::optional<Outstanding> outstanding_;
  io::SteadyTime not_before_{};  // the next request
  std::uint16_t transaction_ = 0;
  modbus::Bytes frame_;   // being sent
  modbus::Bytes stream_;  // TCP: what is not a whole frame yet
  modbus::RtuReceiver receiver_{modbus::Side::response};
  modbus::Bytes unread_;  // RTU: heard since the request, and part of no frame; at most kRtuFrameBytesMax
  std::uint64_t late_answers_ = 0;
  std::vector<Deliver> deliveries_;
  std::vector<Answered> answered_;
  std::vector<std::size_t> touched_;
};

}  // namespace carbongate::modbus_driver
