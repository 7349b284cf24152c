#include "apps/salus/event_rows.h"

#include <cstdio>

#include "audit/fhir_event.h"
#include "codec/rfc3339.h"

namespace salus::cli {

bool EventFilter::Matches(const audit::Event& event) const {
  if (from && event.time < *from) return false;
  if (to && event.time > *to) return false;
  if (action && event.action != *action) return false;
  return user.empty() || event.user == user;
}

bool IsBreakGlass(const audit::Event& event) {
  return event.purpose == "BTG" || event.purpose == "ETREAT";
}

EventWriter::EventWriter(const Terminal& terminal, OutputFormat format)
    : format_(format),
      rows_(terminal, format,
            {"!", "time", "patient", "user", "user_name", "action", "record", "purpose", "source",
             "index"}) {}

void EventWriter::Write(const audit::VerifiedEvent& event) {
  if (format_ == OutputFormat::kFhir) {
    resources_.push_back(audit::EventToFhir(event.event));
    return;
  }
  const bool is_break_glass = IsBreakGlass(event.event);
  codec::JsonObject row = audit::EventToJson(event.event);
  row["source"] = event.event.source;
  row["index"] = event.index.value;
  row["logged"] = codec::FormatRfc3339(event.logged);
  if (format_ == OutputFormat::kTable || format_ == OutputFormat::kCsv) {
    row["!"] = is_break_glass ? "!" : "";
  } else {
    row["break_glass"] = is_break_glass;
  }
  rows_.Row(std::move(row), is_break_glass ? Colour::kRed : Colour::kNone);
}

void EventWriter::Finish() {
  if (format_ == OutputFormat::kFhir) {
    const std::string bundle = audit::FhirBundle(resources_) + "\n";
    std::fwrite(bundle.data(), 1, bundle.size(), stdout);
  }
  rows_.Finish();
}

}  // namespace salus::cli
