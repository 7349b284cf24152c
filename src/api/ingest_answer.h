// IngestAnswer writes the answer lines of POST /audit/v1/events, by hand: a tree an event would
// cost more than sealing it.
//
// Source: docs/formats/http-api.md.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

#include "audit/recorder.h"
#include "base/bytes.h"
#include "base/result.h"
#include "codec/json.h"

namespace salus::api {

// SecretText is bytes that hold keys: wiped when they go, and never moved by growing.
class SecretText {
 public:
  explicit SecretText(std::size_t capacity) { bytes_.reserve(capacity); }
  ~SecretText() { WipeMemory(bytes_.data(), bytes_.size()); }
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;

  // Reserve makes room for more; what was written stays, its old place is wiped.
  void Reserve(std::size_t more);
  void Append(std::string_view text) { bytes_.append(text); }
  MutableByteSpan Extend(std::size_t size);
  std::string& text() { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  ByteSpan view() const { return AsBytes(bytes_); }

 private:
  std::string bytes_;
};

// IngestTotals is what the last line says.
struct IngestTotals {
  std::uint64_t logged = 0;
  std::uint64_t repeats = 0;
  std::uint64_t refused = 0;
};

// Threads: one at a time.
class IngestAnswer {
 public:
  struct Options {
    bool with_keys = true;
    bool with_entries = true;
  };
  explicit IngestAnswer(Options options) : options_(options) {}

  // AddBatch writes the lines of one chunk; first_line is the body's number of the chunk's first.
  void AddBatch(const audit::RecordedBatch& batch, std::size_t first_line, SecretText& out);
  // AddFailure refuses all lines of a chunk that could not be recorded.
  void AddFailure(const Error& error, std::size_t first_line, std::size_t lines, SecretText& out);
  // AddEnd writes the last line. An error says that the body was not read to its end.
  void AddEnd(const Error* error, SecretText& out);

  const IngestTotals& totals() const { return totals_; }

 private:
  // More patients than this are announced again: the numbers of a long body must not fill memory.
  static constexpr std::size_t kMaxKnownPatients = 16'384;

  void AddLine(const audit::RecordedBatch& batch, const audit::RecordedLine& line,
               std::uint64_t patient, std::size_t first_line, SecretText& out);
  std::pair<std::uint64_t, bool> NumberOf(const audit::Subject& patient);

  const Options options_;
  IngestTotals totals_;
  std::unordered_map<std::string, std::uint64_t> patients_;
  std::uint64_t next_patient_ = 0;
};

// RefusedLine is `{"line":..,"status":"refused","error":..,"member":..,"detail":..}`.
codec::JsonObject RefusedLine(std::size_t line, const Error& error);

}  // namespace salus::api
