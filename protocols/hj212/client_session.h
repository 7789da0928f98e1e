// The conversation with one supervisory platform (上位机), seen from the field side, without I/O: bytes that came are
// told to it, bytes to send and what happened are asked of it, and time is an argument.
//
//   data:     ours, with Flag A=1 -> 9014 with the same QN, MN and PW; without it, sent again with the same QN,
//             ReCount times, then the connection is of no use. A packet that would be too long goes in parts, each
//             with a QN and a 9014 of its own.
//   requests: theirs -> 9011 (or 9013) -> [data with the request's QN] -> 9012. One that comes again is answered
//             again, and not carried out again; unless it was cut off before its 9012.
//
// Nothing is lost with a connection: what has no receipt is sent first on the next one.
//
// A QN is a time, of which a platform hears once: where packets are made faster than one a millisecond, each waits
// until the clock shows its QN, so that a session after this one, also in another life of the process, begins behind
// them all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocols/hj212/frame.h"
#include "protocols/hj212/requests.h"
#include "protocols/hj212/segment.h"

namespace carbongate::hj212 {

struct ClientOptions {
  RequestLimits limits;  // and who we are
  std::size_t segment_max = kSegmentBytesMax;
  std::size_t window = 8;            // packets without a receipt at a time
  std::size_t beyond_window = 0;     // so many urgent ones more
  bool wants_receipts = true;        // false: what is written to the connection counts as arrived
  std::chrono::seconds heartbeat{};  // 9015 (2025) this long after the last packet; 0: never
  bool asks_for_time = false;        // 1013 on each new connection
};

class ClientSession {
 public:
  struct Moment {
    std::chrono::milliseconds ticks;  // of a clock that is never set: for deadlines
    LocalTime local;
  };
  using Ticket = std::uint64_t;

  static constexpr std::size_t kAnswersMax = 64;        // that the platform does not read: the connection is of no use
  static constexpr std::size_t kDamagesMax = 100;       // without a good packet between: the same
  static constexpr std::size_t kRemembered = 32;        // requests: one of them that comes again is known
  static constexpr std::chrono::seconds kQnWaitMax{1};  // a QN farther ahead of the clock: the clock was set back

  struct Sent {  // the upload is written: for the first time, or once more; of one in parts the first of them that is
    Ticket ticket;
  };
  struct Received {  // all of the upload has arrived
    Ticket ticket;
  };
  struct Useless {  // the connection: it is to be closed
    std::string why;
  };
  struct Asked {  // to be done by whoever owns the session, who then calls finish()
    std::string qn;
    std::variant<Change, HistoryWanted> work;
  };
  struct Remark {  // for the log
    std::string text;
    bool is_trouble = false;
    std::string command = {};  // the CN that it is about, as far as it is a known one
    bool is_setting = false;   // the platform has set something
  };
  using Event = std::variant<Sent, Received, Useless, Asked, Remark>;

  ClientSession(ClientOptions options, ClientSettings settings);

  void connected(Moment now);
  void lost();
  void received(std::string_view bytes, Moment now);

  // What to write next; nullopt: nothing now. written() when it is, before the next one is asked for.
  std::optional<std::string> next(Moment now);
  void written();
  // When next() should be asked again, if nothing happens before; nullopt: there is no need to.
  std::optional<std::chrono::milliseconds> due() const;

  std::optional<Event> take_event();

  // Data to send: `repeated` (DataTime) stands in every part. nullopt: an item that fits in no packet.
  std::optional<Ticket> upload(std::string_view cn, const std::vector<Item>& repeated, const std::vector<Item>& items,
                               Moment now, bool is_urgent = false);
  // For one more packet, with so many of the window kept free behind it.
  bool has_room(std::size_t kept_free = 0) const { return outstanding_.size() + kept_free < options_.window; }
  bool has_urgent_room() const;  // for one more that is urgent: also beyond the window
  void forget(Ticket ticket);    // nobody waits for it any more

  // What was asked for is done: `execution_result` goes to the platform.
  void finish(const std::string& qn, int execution_result);
  void apply(const SetByPlatform& set) { settings_ = set.over(std::move(settings_)); }

  const ClientSettings& settings() const { return settings_; }
  std::size_t outstanding() const { return outstanding_.size(); }
  std::uint64_t packets_sent() const { return sent_; }
  std::uint64_t resent() const { return resent_; }
  std::uint64_t requests() const { return requests_; }
  std::uint64_t refused() const { return refused_; }
  std::uint64_t damaged() const { return damaged_; }
  std::uint64_t not_ours() const { return not_ours_; }  // answers with another MN or PW: no receipts

 private:
  struct Outstanding {
    Ticket ticket = 0;
    Head head;
    std::vector<Item> area;
    std::string receipt;  // the command that is one: 9014
    bool is_urgent = false;
    std::uint32_t times = 0;  // sent on this connection
    std::uint32_t tries = 0;  // on all of them
    std::chrono::milliseconds deadline{};
    LocalTime number{};  // the QN
  };
  struct Upload {
    std::size_t parts_left = 0;
    std::uint32_t tries = 0;  // of the part that was sent most often
  };
  struct Answered {
    std::string qn;
    std::string cn;
    std::string pw;  // as it was asked with, also if it is wrong: ours is not told to who does not know it
    std::vector<std::string> frames;
    bool is_open = false;  // finish() is to come
  };

  LocalTime next_qn(Moment now);
  Head head(std::string_view st, std::string_view cn, std::string qn, bool wants_answer) const;
  static std::string frame_of(const Head& head, std::vector<Item> area);
  std::size_t area_max(const Head& head) const;
  void take(const Frame& frame, Moment now);
  void take_receipt(const Head& head);
  void arrived(std::list<Outstanding>::iterator packet);
  void take_request(const Head& head, const std::vector<Item>& area, Moment now);
  void answer(Answered& to, std::string_view st, std::string_view cn, std::vector<Item> area);
  void queue(std::string bytes);
  void useless(std::string why);
  void note(std::string text, bool is_trouble);
  void note(const Verdict& verdict, const std::string& cn);

  ClientOptions options_;
  ClientSettings settings_;
  FrameReader reader_;
  std::size_t damages_ = 0;
  bool is_connected_ = false;
  bool is_useless_ = false;
  std::deque<std::string> answers_;
  std::list<Outstanding> outstanding_;
  std::optional<std::string> writing_;  // the QN of the packet being written; empty: of none that is outstanding
  std::map<Ticket, Upload> uploads_;
  std::deque<Answered> answered_;
  std::deque<Event> events_;
  Ticket last_ticket_ = 0;
  LocalTime last_qn_{};
  std::optional<std::chrono::milliseconds> early_until_;  // the first packet that waits for its QN may be sent
  std::chrono::milliseconds last_sent_{};
  std::uint64_t sent_ = 0;
  std::uint64_t resent_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t not_ours_ = 0;
};

}  // namespace carbongate::hj212
