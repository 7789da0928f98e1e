#include "protocols/hj212/client_session.h"

#include <algorithm>
#include <utility>

#include "protocols/hj212/codes.h"
#include "protocols/wire/overloaded.h"

namespace carbongate::hj212 {
namespace {

constexpr std::string_view kInteraction = "91";  // ST of what is no data
constexpr std::size_t kAroundArea = 9;           // ";CP=&&" and "&&", and room for nothing
constexpr std::size_t kEchoedMax = 32;           // of a QN or PW
constexpr std::size_t kEventsMax = 256;          // that nobody has taken; remarks beyond are left out
constexpr std::size_t kCommandShown = 16;        // of a CN
constexpr std::size_t kNumbersMax = 24;          // ";PNUM=9999;PNO=9999" and some

bool is_receipt(std::string_view cn) {
  return cn == "9014" || cn == "9013";
}

}  // namespace

ClientSession::ClientSession(ClientOptions options, ClientSettings settings)
    : options_(std::move(options)), settings_(std::move(settings)), reader_(options_.segment_max) {}

void ClientSession::connected(Moment now) {
  reader_ = FrameReader(options_.segment_max);
  damages_ = 0;
  is_connected_ = true;
  is_useless_ = false;
  answers_.clear();
  writing_.reset();
  last_sent_ = now.ticks;
  for (Outstanding& packet : outstanding_) packet.times = 0;
  if (options_.asks_for_time) {
    const LocalTime number = next_qn(now);
    Outstanding packet{.ticket = 0,
                       .head = head(options_.limits.st, "1013", to_qn(number), true),
                       .area = {},
                       .receipt = "9013",
                       .number = number};
    std::erase_if(outstanding_, [](const Outstanding& other) { return other.receipt == "9013"; });
    outstanding_.push_front(std::move(packet));
  }
}

// Who asked for what is not done yet asks again.
void ClientSession::lost() {
  is_connected_ = false;
  std::erase_if(answered_, [](const Answered& request) { return request.is_open; });
  answers_.clear();
  writing_.reset();
}

// Times of the data, never the same one twice. Where the local clock steps back (summer time), they go on in order.
LocalTime ClientSession::next_qn(Moment now) {
  const LocalTime next = last_qn_ + std::chrono::milliseconds(1);
  last_qn_ = std::max(now.local, next);
  return last_qn_;
}

Head ClientSession::head(std::string_view st, std::string_view cn, std::string qn, bool wants_answer) const {
  const auto bits = static_cast<std::uint8_t>(options_.limits.version << 2 | (wants_answer ? 1 : 0));
  return {.qn = std::move(qn),
          .st = std::string(st),
          .cn = std::string(cn),
          .pw = settings_.password,
          .mn = options_.limits.mn,
          .flag = Flag{bits},
          .part = {},
          .deviations = {}};
}

std::string ClientSession::frame_of(const Head& head, std::vector<Item> area) {
  const Segment segment{.fields = fields_of(head), .area = std::move(area)};
  return encode(Frame{.segment = to_text(segment)});
}

std::size_t ClientSession::area_max(const Head& head) const {
  const std::size_t before = to_text(Segment{.fields = fields_of(head), .area = {}}).size() + kAroundArea + kNumbersMax;
  const std::size_t left = options_.segment_max - std::min(options_.segment_max, before);
  return options_.segment_max <= kSegmentBytesMax ? std::min(left, kAreaBytesMax) : left;
}

std::optional<ClientSession::Ticket> ClientSession::upload(std::string_view cn, const std::vector<Item>& repeated,
                                                           const std::vector<Item>& items, Moment now, bool is_urgent) {
  const bool receipts = options_.wants_receipts;
  Head first = head(options_.limits.st, cn, to_qn(now.local), receipts);
  const std::size_t bytes_max = area_max(first);
  const auto parts = split(repeated, items, bytes_max);
  for (const std::vector<Item>& part : parts) {
    if (to_text(part).size() > bytes_max) return std::nullopt;
  }
  const Ticket ticket = ++last_ticket_;
  uploads_[ticket].parts_left = parts.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Head own = first;
    const LocalTime number = next_qn(now);
    own.qn = to_qn(number);
    if (parts.size() > 1) {
      own.flag->bits |= 2;
      own.part = Part{static_cast<std::uint32_t>(i + 1), static_cast<std::uint32_t>(parts.size())};
    }
    outstanding_.push_back({.ticket = ticket,
                            .head = std::move(own),
                            .area = parts[i],
                            .receipt = "9014",
                            .is_urgent = is_urgent,
                            .number = number});
  }
  return ticket;
}

bool ClientSession::has_urgent_room() const {
  const auto urgent = static_cast<std::size_t>(std::ranges::count(outstanding_, true, &Outstanding::is_urgent));
  return has_room() || urgent < options_.beyond_window;
}

void ClientSession::forget(Ticket ticket) {
  uploads_.erase(ticket);
  std::erase_if(outstanding_, [&](const Outstanding& packet) { return packet.ticket == ticket; });
}

std::optional<std::string> ClientSession::next(Moment now) {
  if (!is_connected_ || is_useless_ || writing_) return std::nullopt;
  const auto begin = [&](std::string qn) {
    writing_ = std::move(qn);
    last_sent_ = now.ticks;
    ++sent_;
  };
  if (!answers_.empty()) {
    std::string bytes = std::move(answers_.front());
    answers_.pop_front();
    begin({});
    return bytes;
  }
  std::size_t under_way = 0;
  std::size_t urgent = 0;
  early_until_.reset();
  for (Outstanding& packet : outstanding_) {
    const auto ahead = packet.number - now.local;
    if (packet.tries == 0 && ahead.count() > 0 && ahead <= kQnWaitMax) {
      early_until_ = std::min(early_until_.value_or(now.ticks + ahead), now.ticks + ahead);
      continue;
    }
    if (packet.times > 0 && now.ticks >= packet.deadline) {
      if (packet.times > settings_.retries) {
        if (packet.receipt == "9013") {  // it need not know
          outstanding_.remove_if([&](const Outstanding& other) { return &other == &packet; });
          return next(now);
        }
        useless("no answer to QN " + packet.head.qn + ", sent " + std::to_string(packet.times) + " times");
        return std::nullopt;
      }
    } else if (packet.times > 0 || under_way >= options_.window) {
      const bool may_go_beyond = packet.times == 0 && packet.is_urgent && urgent < options_.beyond_window;
      if (!may_go_beyond) {
        ++under_way;
        if (packet.is_urgent) ++urgent;
        continue;
      }
    }
    if (packet.times++ > 0) ++resent_;
    ++packet.tries;
    if (const auto upload = uploads_.find(packet.ticket);
        upload != uploads_.end() && packet.tries > upload->second.tries) {
      upload->second.tries = packet.tries;
      events_.emplace_back(Sent{packet.ticket});
    }
    packet.deadline = now.ticks + settings_.timeout;
    begin(packet.head.qn);
    packet.head.pw = settings_.password;
    return frame_of(packet.head, packet.area);
  }
  if (options_.heartbeat.count() > 0 && now.ticks >= last_sent_ + options_.heartbeat) {
    begin({});
    return frame_of(head(kInteraction, "9015", to_qn(next_qn(now)), false), {});
  }
  return std::nullopt;
}

void ClientSession::written() {
  const std::string qn = std::exchange(writing_, std::nullopt).value_or("");
  if (qn.empty() || options_.wants_receipts) return;
  const auto packet = std::ranges::find_if(
      outstanding_, [&](const Outstanding& other) { return other.head.qn == qn && other.receipt == "9014"; });
  if (packet != outstanding_.end()) arrived(packet);
}

std::optional<std::chrono::milliseconds> ClientSession::due() const {
  std::optional<std::chrono::milliseconds> at;
  if (!is_connected_ || is_useless_) return at;
  const auto note = [&at](std::chrono::milliseconds when) { at = at ? std::min(*at, when) : when; };
  for (const Outstanding& packet : outstanding_) {
    if (packet.times > 0) note(packet.deadline);
  }
  if (early_until_) note(*early_until_);
  if (options_.heartbeat.count() > 0) note(last_sent_ + options_.heartbeat);
  return at;
}

std::optional<ClientSession::Event> ClientSession::take_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void ClientSession::received(std::string_view bytes, Moment now) {
  while (!bytes.empty() && !is_useless_) {
    bytes.remove_prefix(reader_.push(bytes));
    while (const auto found = reader_.next()) {
      if (is_useless_) return;
      if (found->frame) {
        damages_ = 0;
        take(*found->frame, now);
        continue;
      }
      ++damaged_;  // the standard wants no answer to a wrong CRC
      note(found->damage->text, true);
      if (++damages_ > kDamagesMax) useless("what it sends is no HJ 212");
    }
  }
}

void ClientSession::take(const Frame& frame, Moment now) {
  const auto segment = parse_segment(frame.segment);
  if (!segment) {
    ++damaged_;
    return note(segment.error().text, true);
  }
  const auto head = head_of(*segment);
  if (!head) {
    ++damaged_;
    return note(head.error().text, true);
  }
  if (is_receipt(head->cn)) return take_receipt(*head);
  if (head->cn == "9015") return;
  if (head->cn == "9011" || head->cn == "9012") {  // nor is it answered: two that answer answers never end
    return note("CN " + head->cn + ": an answer, and nothing was asked", true);
  }
  take_request(*head, segment->area.value_or(std::vector<Item>()), now);
}

void ClientSession::take_receipt(const Head& head) {
  const auto is_none = [&](std::string_view what) {
    ++not_ours_;
    note("answer to QN " + head.qn.substr(0, 20) + " with another " + std::string(what) + ": no receipt; " +
             std::to_string(not_ours_) + " so far",
         true);
  };
  if (head.mn != options_.limits.mn) return is_none("MN");
  const auto packet = std::ranges::find_if(
      outstanding_, [&](const Outstanding& other) { return other.head.qn == head.qn && other.receipt == head.cn; });
  if (packet == outstanding_.end() || packet->times == 0) {
    return note("an answer to QN " + head.qn.substr(0, 20) + ", which waits for none", false);
  }
  // A new password may have been set while it was on its way.
  if (head.pw != packet->head.pw && head.pw != settings_.password) return is_none("PW");
  arrived(packet);
}

void ClientSession::arrived(std::list<Outstanding>::iterator packet) {
  const Ticket ticket = packet->ticket;
  outstanding_.erase(packet);
  const auto upload = uploads_.find(ticket);
  if (upload == uploads_.end() || --upload->second.parts_left > 0) return;
  uploads_.erase(upload);
  events_.emplace_back(Received{ticket});
}

void ClientSession::take_request(const Head& head, const std::vector<Item>& area, Moment now) {
  ++requests_;
  const auto known = std::ranges::find_if(answered_, [&](const Answered& other) {
    return other.qn == head.qn && other.cn == head.cn && other.pw == head.pw;
  });
  if (known != answered_.end()) {
    for (const std::string& bytes : known->frames) queue(bytes);
    return;
  }
  Verdict verdict = judge(head, area, options_.limits, settings_, now.local);
  const bool is_refused = verdict.request_result != request_result::kReady;
  if (is_refused) ++refused_;
  if (!verdict.remark.empty()) note(verdict, head.cn);
  // What is echoed is of a peer that may say anything.
  if (head.qn.size() > kEchoedMax || head.pw.size() > kEchoedMax ||
      (head.flag && !head.flag->wants_answer() && is_refused))
    return;
  Answered& to = answered_.emplace_back(Answered{.qn = head.qn, .cn = head.cn, .pw = head.pw, .frames = {}});
  if (verdict.is_notification && !is_refused) {
    answer(to, kInteraction, "9013", {});
  } else {
    answer(to, kInteraction, "9011", {single("QnRtn", std::to_string(verdict.request_result))});
  }
  if (!is_refused) {
    to.is_open = verdict.execution_result == 0 && !verdict.is_notification;
    std::visit(Overloaded{[](std::monostate) {},
                          [&](Reply& reply) { answer(to, options_.limits.st, head.cn, std::move(reply.area)); },
                          [&](Change& change) { events_.emplace_back(Asked{head.qn, std::move(change)}); },
                          [&](HistoryWanted& range) { events_.emplace_back(Asked{head.qn, std::move(range)}); }},
               verdict.work);
    if (verdict.execution_result != 0) {
      answer(to, kInteraction, "9012", {single("ExeRtn", std::to_string(verdict.execution_result))});
    }
  }
  while (answered_.size() > kRemembered) {
    const auto oldest = std::ranges::find(answered_, false, &Answered::is_open);
    if (oldest == answered_.end()) break;  // whoever does them, takes few
    answered_.erase(oldest);
  }
}

void ClientSession::answer(Answered& to, std::string_view st, std::string_view cn, std::vector<Item> area) {
  Head own = head(st, cn, to.qn, false);
  own.pw = to.pw;
  to.frames.push_back(frame_of(own, std::move(area)));
  queue(to.frames.back());
}

void ClientSession::finish(const std::string& qn, int execution_result) {
  const auto known =
      std::ranges::find_if(answered_, [&](const Answered& request) { return request.is_open && request.qn == qn; });
  if (known == answered_.end()) return;  // a notification has no result, and who was cut off asks again
  known->is_open = false;
  answer(*known, kInteraction, "9012", {single("ExeRtn", std::to_string(execution_result))});
}

void ClientSession::queue(std::string bytes) {
  if (!is_connected_) return;
  if (answers_.size() >= kAnswersMax) return useless("it asks, and does not read the answers");
  answers_.push_back(std::move(bytes));
}

void ClientSession::useless(std::string why) {
  if (std::exchange(is_useless_, true)) return;
  events_.emplace_back(Useless{std::move(why)});
}

void ClientSession::note(std::string text, bool is_trouble) {
  if (events_.size() < kEventsMax) events_.emplace_back(Remark{std::move(text), is_trouble});
}

void ClientSession::note(const Verdict& verdict, const std::string& cn) {
  if (events_.size() >= kEventsMax) return;
  const bool is_refused = verdict.request_result != request_result::kReady;
  events_.emplace_back(Remark{.text = "CN " + cn.substr(0, kCommandShown) + ": " + verdict.remark,
                              .is_trouble = is_refused,
                              .command = find_command(cn) != nullptr ? cn : std::string(),
                              .is_setting = std::holds_alternative<Change>(verdict.work)});
}

}  // namespace carbongate::hj212
