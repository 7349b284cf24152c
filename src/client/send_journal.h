// SendJournal remembers which batches of an input were acknowledged, so that a second run does not
// send them again.
//
// It saves work only: the server is idempotent, and a journal that is lost, or of another input,
// costs a repeat.
//
// Shape: one line a batch: "FIRST_LINE LINES HEX_SHA256_OF_THE_BATCH".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "client/private_file.h"
#include "crypto/sha256.h"

namespace salus::client {

class SendJournal {
 public:
  // PathOf is where the journal of an input stands unless somebody says otherwise: in StateHome, by
  // log, source, input, and where its receipts go (a run without any must not keep them from one
  // with).
  //
  // Errors: as StateHome and MakePrivateDirectory.
  static Result<std::filesystem::path> PathOf(std::string_view origin, std::string_view source,
                                              const std::filesystem::path& input,
                                              const std::filesystem::path& receipts);

  // Errors: as LineFile::Open; InvalidArgument when the file holds something else.
  static Result<SendJournal> Open(const std::filesystem::path& path);

  // is_resumed says that an earlier run has begun this journal.
  bool is_resumed() const { return is_resumed_; }
  // Has says that this very batch, at this place of the input, was acknowledged.
  bool Has(std::uint64_t first_line, std::string_view batch) const;
  // Add is durable when it returns.
  Result<void> Add(std::uint64_t first_line, std::uint64_t lines, std::string_view batch);

 private:
  SendJournal(LineFile file, bool is_resumed) : file_(std::move(file)), is_resumed_(is_resumed) {}

  LineFile file_;
  bool is_resumed_;
  std::unordered_map<std::uint64_t, crypto::Hash32> batches_;
};

}  // namespace salus::client
