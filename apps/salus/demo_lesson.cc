#include "apps/salus/demo_lesson.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "aggregate/peer_message.h"
#include "aggregate/peer_transcript.h"
#include "apps/salus/eavesdropper.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

using aggregate::PeerId;
using aggregate::PeerStep;

constexpr std::size_t kShownBytes = 12;
constexpr std::size_t kSumBytes = 24;  // of an additive partial sum, before its blind
constexpr unsigned __int128 kModulus = 18446744069414584321u;  // of Field64

struct StepText {
  PeerStep step;
  const char* title;
  const char* text;
};

constexpr StepText kSteps[] = {
    {PeerStep::kJoin, "Join",
     "Each tosses a coin under a cup (the hash of a random number), and makes a key for this\n"
     "session only, so that whoever steals a key tomorrow opens nothing of today."},
    {PeerStep::kReport, "Shares",
     "Each cuts the height into numbers that are random one by one, and give the height together.\n"
     "Every other person gets one of them, sealed: the hospital passes it on and can't open it.\n"
     "To all goes what binds the shares without telling them; with them a proof of the range."},
    {PeerStep::kReceipt, "Receipts",
     "Each opens what came, and says whose share is what was committed to. From here on nobody\n"
     "can take a share back, or change it."},
    {PeerStep::kCoin, "The coins",
     "The cups are lifted. All coins together make a key that nobody chose: it decides what the\n"
     "proofs are asked, and nobody knew it when the shares were made."},
    {PeerStep::kVerify, "Proofs",
     "Each answers for its share of every other's height, and nobody for the own, who could "
     "answer\n"
     "anything. The answers together say whether a height is in range, and nothing else about it."},
    {PeerStep::kVerdict, "Verdict",
     "All countersign whose heights are added up: nobody can be shown another set."},
    {PeerStep::kSum, "Sums",
     "Each adds up the shares that it holds, one of each person, and tells all the sum.\n"
     "It must fit what was said before, so that a wrong sum shows, and whose it is."},
};

std::string Hex(ByteSpan bytes) {
  const std::string text = codec::HexEncode(bytes.first(std::min(bytes.size(), kShownBytes)));
  return bytes.size() > kShownBytes ? text + "..." : text;
}

unsigned __int128 IntegerOf(ByteSpan little_endian) {
  unsigned __int128 out = 0;
  for (std::size_t i = std::min<std::size_t>(little_endian.size(), 16); i-- > 0;) {
    out = out << 8 | little_endian[i];
  }
  return out;
}

std::string What(const DemoMessage& message) {
  switch (message.step) {
    case PeerStep::kJoin:
      return "covered coin, one-time key";
    case PeerStep::kReport:
      return message.recipient ? "a share, sealed: " + Hex(message.body) : "what binds the shares";
    case PeerStep::kReceipt:
      return "receipt";
    case PeerStep::kCoin:
      return "coin";
    case PeerStep::kVerify:
      return "answers to the proofs";
    case PeerStep::kVerdict:
      return "verdict, signed";
    case PeerStep::kSum:
      return "sum of shares: " + Hex(message.body);
    case PeerStep::kAbort:
      break;
  }
  return "why it stops";
}

std::string Figures(const aggregate::PeerResult& result, const std::string& unit) {
  return fmt::format("sum {} {}, mean {:.6g} {}, of {} people", result.sum.value_or(0), unit,
                     result.mean.value_or(0), unit, result.count);
}

}  // namespace

Result<DemoLesson> DemoLesson::Read(DemoRun run) {
  DemoLesson out(std::move(run));
  const Bytes& transcript = out.run_.host.transcript;
  TRY(const std::vector<ByteSpan> items, aggregate::ReadTranscript(transcript));
  for (std::size_t i = 1; i < items.size(); ++i) {
    TRY(aggregate::PeerEnvelope envelope, aggregate::PeerEnvelope::Parse(items[i]));
    aggregate::PeerMessage& message = envelope.message;
    if (message.sender == aggregate::kPeerHost) continue;
    out.messages_.push_back(
        {message.step, message.sender, message.recipient, std::move(message.body)});
  }
  // In the order in which the people were introduced.
  const auto place = [&](PeerId id) {
    const auto& fingerprint = out.run_.roster->parties()[id].fingerprint;
    return std::ranges::find(out.run_.people, fingerprint, &DemoPerson::fingerprint);
  };
  std::ranges::stable_sort(out.messages_, [&](const DemoMessage& a, const DemoMessage& b) {
    if (a.step != b.step) return a.step < b.step;
    if (a.sender != b.sender) return place(a.sender) < place(b.sender);
    if (!a.recipient || !b.recipient) return a.recipient.has_value() && !b.recipient;
    return place(*a.recipient) < place(*b.recipient);
  });
  TRY_VOID(out.ReadEvents());
  const auto report = aggregate::CheckTranscript(transcript, out.run_.host.fingerprint);
  if (report) out.result_ = report->result;
  return out;
}

// What the host's process told while it ran.
Result<void> DemoLesson::ReadEvents() {
  std::istringstream lines(run_.host.messages);
  for (std::string line; std::getline(lines, line);) {
    const auto parsed = codec::ParseJson(line);
    if (!parsed || !parsed->is_object()) continue;
    const codec::JsonObject& event = parsed->get_object();
    TRY(const std::string_view kind, codec::StringAt(event, "event"));
    if (kind != "progress") continue;
    TRY(const std::string_view step, codec::StringAt(event, "step"));
    TRY(const std::string_view text, codec::StringAt(event, "text"));
    PeerStep at = PeerStep::kAbort;
    for (const StepText& one : kSteps) {
      if (PeerStepName(one.step) == step) at = one.step;
    }
    events_.emplace_back(at, text);
  }
  return {};
}

std::string DemoLesson::Cast() const {
  std::string out = fmt::format(
      "{} people each have a height that they show nobody, and a hospital that may know the sum.\n"
      "Each is a process of its own, with a key and a certificate of its own. They talk over "
      "mutual\n"
      "TLS 1.3 through the hospital, which is known to them by its certificate, and they to "
      "it.\n\n",
      run_.people.size());
  if (!is_small()) return out;
  out += fmt::format("  {:<10}{:<12}{}\n", "who", "process", "certificate (SHA-256)");
  for (const DemoPerson& person : run_.people) {
    out += fmt::format("  {:<10}{:<12}{}\n", person.name, person.pid, Hex(person.fingerprint));
  }
  return out + fmt::format("  {:<10}{:<12}{}\n", run_.host.name, run_.host.pid,
                           Hex(run_.host.fingerprint));
}

std::string DemoLesson::Messages(PeerStep step) const {
  std::string out;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const DemoMessage& message : messages_) {
    if (message.step != step) continue;
    ++count;
    bytes += message.body.size();
    if (!is_small()) continue;
    const std::string to = message.recipient ? NameOf(*message.recipient) : "all";
    out += fmt::format("  {:<8} -> {:<8} {:>6} bytes  {}\n", NameOf(message.sender), to,
                       message.body.size(), What(message));
  }
  if (!is_small()) out += fmt::format("  {} messages, {} bytes\n", count, bytes);
  return out;
}

std::string DemoLesson::Step(PeerStep step) const {
  const auto* const text = std::ranges::find(kSteps, step, &StepText::step);
  const bool is_played = std::ranges::find(messages_, step, &DemoMessage::step) != messages_.end();
  if (text == std::end(kSteps) || !is_played) return "";
  std::string out = fmt::format("\n{}. {}\n{}\n\n{}", static_cast<int>(step), text->title,
                                text->text, Messages(step));
  for (const auto& [at, event] : events_) {
    if (at == step) out += fmt::format("  => {}\n", event);
  }
  return out;
}

// The last step as arithmetic, where it is short enough to follow.
std::string DemoLesson::Addition() const {
  if (!result_ || run_.plan.has_threshold || !is_small()) return "";
  std::string out = "\n";
  unsigned __int128 total = 0;
  for (const DemoMessage& message : messages_) {
    if (message.step != PeerStep::kSum || message.body.size() < kSumBytes) continue;
    const unsigned __int128 value = IntegerOf(ByteSpan(message.body).first(kSumBytes)) % kModulus;
    total = (total + value) % kModulus;
    out += fmt::format("  {:<8} {:>22}\n", NameOf(message.sender), value);
  }
  const std::int64_t lowest = run_.roster->fields().minimum;
  out += fmt::format("  {:<8} {:>22}  (what is over {} is dropped)\n", "together", total, kModulus);
  return out + fmt::format("  Heights count from {} cm: {} + {} x {} = {} cm.\n", lowest, total,
                           result_->count, lowest, result_->sum.value_or(0));
}

std::string DemoLesson::Knowledge() const {
  std::string out = "\nWhat each one can know\n";
  const std::size_t others = run_.people.size() - 1;
  if (is_small()) {
    for (const DemoPerson& person : run_.people) {
      out += fmt::format(
          "  {:<10}the own height; one share of {} other heights, which are random numbers\n",
          person.name, others);
    }
  } else {
    out += fmt::format("  each person: the own height; one share of {} other heights, all random\n",
                       others);
  }
  out += "  Hospital  sealed shares, which it can't open; no height\n";
  if (result_) {
    out += "  all       the sum; so each one also knows the sum of the others' heights, no more\n";
  }
  if (run_.plan.has_threshold) {
    return out + fmt::format(
                     "  With a threshold, {} people who put their shares together would "
                     "know all heights.\n",
                     others / 2 + 1);
  }
  // Who was left out hides nobody: two of those in the sum have to be apart from the others.
  const std::size_t added = result_ ? result_->count : run_.people.size();
  const char* const whom = added < run_.people.size() ? "those in the sum" : "them";
  const std::string but_two = added == 3 ? "one" : fmt::format("{}", added - 2);
  return out +
         fmt::format(
             "  Even {} of {} and the hospital together learn only the sum of the other two.\n",
             but_two, whom);
}

std::string DemoLesson::Eavesdropping() const {
  if (!run_.plan.has_eavesdropper) return "";
  return "\nWhat the eavesdropper heard\n" + EavesdropperText(run_);
}

std::string DemoLesson::Ending() const {
  std::string out = "\nThe result\n";
  for (const auto& [at, event] : events_) {
    if (at == PeerStep::kAbort) out += fmt::format("  {}\n", event);
  }
  if (result_) out += "  " + Figures(*result_, run_.roster->fields().unit) + "\n";
  if (run_.plan.twist == DemoTwist::kCrash && !run_.plan.has_threshold) {
    out += "  With --threshold the sum survives such a loss.\n";
  }
  return out + fmt::format("  ({:.1f} s)\n", run_.seconds);
}

std::string DemoLesson::Text() const {
  std::string out = "A sum that shows nobody's number\n\n" + Cast();
  for (const StepText& step : kSteps) out += Step(step.step);
  return out + Addition() + Knowledge() + Eavesdropping() + Ending();
}

codec::JsonObject DemoLesson::Json() const {
  codec::JsonObject out;
  out["session"] = codec::HexEncode(run_.roster->fields().session);
  codec::JsonArray people;
  for (const DemoPerson& person : run_.people) {
    people.push_back(codec::JsonObject{{"name", person.name},
                                       {"process", person.pid},
                                       {"certificate", codec::HexEncode(person.fingerprint)},
                                       {"exit", person.exit}});
  }
  out["people"] = std::move(people);
  codec::JsonArray messages;
  for (const DemoMessage& message : messages_) {
    messages.push_back(
        codec::JsonObject{{"step", PeerStepName(message.step)},
                          {"from", NameOf(message.sender)},
                          {"to", message.recipient ? NameOf(*message.recipient) : "all"},
                          {"bytes", message.body.size()}});
  }
  out["messages"] = std::move(messages);
  codec::JsonArray events;
  for (const auto& [step, text] : events_) {
    events.push_back(codec::JsonObject{{"step", PeerStepName(step)}, {"text", text}});
  }
  out["events"] = std::move(events);
  if (result_) {
    out["count"] = result_->count;
    out["sum"] = result_->sum.value_or(0);
    out["mean"] = result_->mean.value_or(0);
  }
  if (run_.plan.has_eavesdropper) out["eavesdropper"] = EavesdropperJson(run_);
  out["seconds"] = run_.seconds;
  return out;
}

Result<void> DemoLesson::CheckOutcome() const {
  const DemoTwist twist = run_.plan.twist;
  const DemoPerson& last = run_.people.back();
  std::int64_t expected = 0;
  std::size_t count = run_.people.size();
  for (const DemoPerson& person : run_.people) expected += person.height;
  if (twist == DemoTwist::kLiar) {
    expected -= last.height;
    --count;
  }
  const bool is_named = std::ranges::any_of(events_, [&](const auto& event) {
    return event.second.find(last.name) != std::string::npos;
  });
  const bool stops =
      !run_.plan.has_threshold && (twist == DemoTwist::kCrash || twist == DemoTwist::kLyingSum);
  if (stops == result_.has_value()) {
    return VerificationFailed(stops ? "there is a result where none may be"
                                    : "there is no result: " + run_.host.messages);
  }
  if (result_ && (result_->sum != expected || result_->count != count)) {
    return VerificationFailed("the sum is not that of the heights");
  }
  if (twist != DemoTwist::kNone && !is_named) {
    return VerificationFailed("nobody named " + last.name);
  }
  if (run_.plan.has_eavesdropper) TRY_VOID(CheckHeardNothing(run_));
  return {};
}

}  // namespace salus::cli
