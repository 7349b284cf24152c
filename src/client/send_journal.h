// SendJournal remembers which batches of an input were acknowledged, so that a second run does not
// send them again.
//
// It saves work only: the server is idempotent, and a journal that is lost, or of another input,
// costs a repeat. One of another log, source or receipts file would lose events, and is refused.
//
// Shape: a first line {"send_journal":1,"log":VKEY,"source":ID,"receipts":PATH}; then one line a
//        batch: "FIRST_LINE LINES HEX_SHA256_OF_THE_BATCH", and behind it the numbers of the lines
//        that were refused, each behind a space.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "client/private_file.h"
#include "crypto/sha256.h"

namespace salus::client {

// JournalScope is what a journal is of: what was noted under another one says nothing.
struct JournalScope {
  std::string log_vkey;            // names the origin too
  std::string source;              // who sends
  std::filesystem::path receipts;  // where they go: a run without must not keep them from one with

  // FirstLine ends in LF.
  std::string FirstLine() const;
};

class SendJournal {
 public:
  // PathOf is where the journal of an input stands unless somebody says otherwise: in StateHome, by
  // scope and input.
  //
  // Errors: as StateHome and MakePrivateDirectory.
  static Result<std::filesystem::path> PathOf(const JournalScope& scope,
                                              const std::filesystem::path& input);

  // Open begins a journal where there is none, or an empty file.
  //
  // Errors: as LineFile::Open; InvalidArgument when the file is no journal, or of another scope: it
  //         is not touched then.
  static Result<SendJournal> Open(const std::filesystem::path& path, const JournalScope& scope);

  // is_resumed says that an earlier run has begun this journal.
  bool is_resumed() const { return is_resumed_; }
  // Find gives the refused lines of this very batch, at this place of the input, if it was
  // acknowledged.
  std::optional<std::vector<std::uint64_t>> Find(std::uint64_t first_line,
                                                 std::string_view batch) const;
  // Add is durable when it returns. refused are line numbers of the input.
  Result<void> Add(std::uint64_t first_line, std::uint64_t lines, std::string_view batch,
                   std::span<const std::uint64_t> refused);

 private:
  struct Batch {
    crypto::Hash32 hash;
    std::vector<std::uint64_t> refused;
  };
  using Batches = std::unordered_map<std::uint64_t, Batch>;  // by first line
  SendJournal(LineFile file, Batches batches, bool is_resumed)
      : file_(std::move(file)), batches_(std::move(batches)), is_resumed_(is_resumed) {}
  static Result<Batches> ReadBatches(std::string_view lines);

  LineFile file_;
  Batches batches_;
  bool is_resumed_;
};

}  // namespace salus::client
