// FhirInput tells what an input of FHIR is: one AuditEvent or Bundle, however it is laid out, or
// lines of resources.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "client/line_batch.h"

namespace salus::client {

// FhirInput is lines when its first line is a whole JSON text with others behind it.
class FhirInput {
 public:
  static constexpr std::size_t kMaxBodyBytes = 64u << 20;

  // Open reads as much as it takes to tell; of a body, all. No input is read before it is complete,
  // however slowly it comes: limits are for lines.
  //
  // Errors: those of the input; InvalidArgument for a body above kMaxBodyBytes.
  static Result<FhirInput> Open(const EventInput& input, BatchLimits limits);

  // body is nullopt for lines.
  const std::optional<std::string>& body() const { return body_; }
  // Next is the next lines, nullopt at the end and for a body. Errors: those of the input.
  Result<std::optional<LineBatch>> Next();

 private:
  explicit FhirInput(LineBatchReader reader) : reader_(std::move(reader)) {}

  LineBatchReader reader_;
  std::optional<LineBatch> first_;
  std::optional<std::string> body_;
};

// FhirLines is an input of FHIR as lines of one resource each. A resource's line feeds become
// spaces; its line's number is that of its entry in a Bundle.
//
// Errors: as FhirInput::Open; InvalidArgument when a body is no JSON, or neither resource.
Result<EventInput> FhirLines(const EventInput& input);

}  // namespace salus::client
