// Ingest takes event lines in and answers them, line by line, as they become durable.
//
// Source: protocol.md P5.1; docs/formats/http-api.md.
#pragma once

#include <memory>

#include "api/endpoint.h"
#include "api/pipeline.h"
#include "base/result.h"

namespace salus::api {

inline constexpr char kNdjson[] = "application/x-ndjson";
inline constexpr std::size_t kMaxAtomicBytes = 4 * 1024 * 1024;

// StreamEvents answers POST /audit/v1/events. A body that is there whole needs no thread while its
// events become durable; a longer one is read in chunks, of which two are under way at most.
void StreamEvents(std::shared_ptr<Attempt> attempt);

// AnswerEvents does the same with a whole body, and waits: for the file exchange.
Result<http::Response> AnswerEvents(const Call& call);

}  // namespace salus::api
