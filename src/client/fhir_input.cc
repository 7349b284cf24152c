#include "client/fhir_input.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "codec/json.h"
#include "fhir/received.h"

namespace salus::client {
namespace {

// Line feeds stand between the members only: inside a string they are escaped.
void AppendOnOneLine(std::string_view text, std::string& out) {
  const std::size_t at = out.size();
  out += text;
  std::ranges::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(at), out.end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

Result<std::string> LinesOfBody(std::string_view body) {
  TRY(const std::vector<fhir::ReceivedEvent> resources, fhir::ReadAuditEvents(body));
  std::string lines;
  std::size_t line = 1;
  for (const fhir::ReceivedEvent& resource : resources) {
    for (; line < resource.number; ++line) lines += '\n';
    // An entry without a resource is refused by its number too.
    AppendOnOneLine(resource.text.empty() ? "{}" : resource.text, lines);
  }
  lines += '\n';
  return lines;
}

}  // namespace

Result<FhirInput> FhirInput::Open(const EventInput& input, BatchLimits limits) {
  limits.line_bytes = kMaxBodyBytes;
  FhirInput opened(LineBatchReader({input.read}, limits));
  TRY(opened.first_, opened.reader_.Next());
  if (!opened.first_) opened.first_.emplace();
  const std::string& text = opened.first_->text;
  const bool is_lines = opened.first_->lines > 1 &&
                        codec::ParseJson(std::string_view(text).substr(0, text.find('\n')));
  if (is_lines) return opened;
  opened.body_.emplace();
  for (std::optional<LineBatch> part = std::exchange(opened.first_, std::nullopt); part;) {
    *opened.body_ += part->text;
    if (opened.body_->size() > kMaxBodyBytes) {
      return InvalidArgument("a Bundle is at most 64 MiB: send it in parts, or a resource a line");
    }
    TRY(part, opened.reader_.Next());
  }
  return opened;
}

Result<std::optional<LineBatch>> FhirInput::Next() {
  if (body_) return std::optional<LineBatch>();
  if (first_) return std::exchange(first_, std::nullopt);
  return reader_.Next();
}

Result<EventInput> FhirLines(const EventInput& input) {
  constexpr BatchLimits kPart{.lines = 1000, .bytes = 1u << 20};
  TRY(FhirInput opened, FhirInput::Open(input, kPart));
  struct State {
    FhirInput input;
    std::string text;
    std::size_t used = 0;
  };
  const auto state = std::make_shared<State>(State{std::move(opened), "", 0});
  if (state->input.body()) {
    TRY(state->text, LinesOfBody(*state->input.body()));
  }
  return EventInput{[state](MutableByteSpan buffer) -> Result<std::size_t> {
    if (state->used == state->text.size()) {
      TRY(std::optional<LineBatch> batch, state->input.Next());
      if (!batch) return std::size_t{0};
      state->text = std::move(batch->text);
      state->used = 0;
    }
    const std::size_t size = std::min(buffer.size(), state->text.size() - state->used);
    std::copy_n(state->text.begin() + static_cast<std::ptrdiff_t>(state->used), size,
                buffer.begin());
    state->used += size;
    return size;
  }};
}

}  // namespace salus::client
