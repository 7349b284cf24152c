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
  // Errors: as LineFile::Open; InvalidArgument when the file holds something else.
  static Result<SendJournal> Open(const std::filesystem::path& path);

  // Has says that this very batch, at this place of the input, was acknowledged.
  bool Has(std::uint64_t first_line, std::string_view batch) const;
  // Add is durable when it returns.
  Result<void> Add(std::uint64_t first_line, std::uint64_t lines, std::string_view batch);

 private:
  explicit SendJournal(LineFile file) : file_(std::move(file)) {}

  LineFile file_;
  std::unordered_map<std::uint64_t, crypto::Hash32> batches_;
};

}  // namespace salus::client
