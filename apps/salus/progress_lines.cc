#include "apps/salus/progress_lines.h"

#include <fmt/format.h>

#include "codec/json.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxNames = 5;

codec::JsonObject Event(std::string_view kind, aggregate::PeerStep step) {
  return {{"event", kind}, {"step", PeerStepName(step)}};
}

void Print(const codec::JsonObject& event) {
  const std::string line = codec::WriteJson(event) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void ProgressLines::Listening(const std::string& address, std::uint16_t port) {
  if (is_json_) return Print({{"event", "listening"}, {"port", port}});
  terminal_.Say(fmt::format("listening on {} port {}", address, port));
}

void ProgressLines::Said(std::string_view kind, const std::string& text, Colour colour) {
  if (is_json_) return Print({{"event", kind}, {"text", text}});
  terminal_.Say(text, colour);
}

void ProgressLines::Happened(const std::vector<aggregate::PeerEvent>& events) {
  for (const aggregate::PeerEvent& event : events) {
    if (!is_json_) {
      terminal_.Say(fmt::format("{}: {}", PeerStepName(event.step), event.text));
      continue;
    }
    codec::JsonObject line = Event("progress", event.step);
    line["text"] = event.text;
    Print(line);
  }
}

void ProgressLines::WaitingFor(aggregate::PeerStep step, const std::vector<std::string>& names) {
  if (names.empty() || (step == step_ && names == names_)) return;
  step_ = step;
  names_ = names;
  if (is_json_) {
    codec::JsonObject line = Event("waiting", step);
    line["for"] = codec::JsonArray(names.begin(), names.end());
    return Print(line);
  }
  const std::size_t shown = std::min(names.size(), kMaxNames);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  terminal_.Say(fmt::format("{}: waiting for {}", PeerStepName(step), text));
}

}  // namespace salus::cli
