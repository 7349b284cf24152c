#include "client/send_journal.h"

#include <charconv>

#include "codec/hex.h"

namespace salus::client {
namespace {

constexpr std::size_t kMaxJournalBytes = 256u << 20;

bool TakeNumber(std::string_view& line, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
  return true;
}

}  // namespace

Result<std::filesystem::path> SendJournal::PathOf(std::string_view origin, std::string_view source,
                                                  const std::filesystem::path& input,
                                                  const std::filesystem::path& receipts) {
  TRY(const std::filesystem::path home, StateHome());
  std::string key;
  for (const std::string& part :
       {std::string(origin), std::string(source), std::filesystem::absolute(input).string(),
        receipts.empty() ? std::string() : std::filesystem::absolute(receipts).string()}) {
    key += part;
    key += '\0';
  }
  TRY_VOID(MakePrivateDirectory(home / "sent"));
  return home / "sent" / codec::HexEncode(ByteSpan(crypto::Sha256(AsBytes(key))).first(16));
}

Result<SendJournal> SendJournal::Open(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool is_resumed = std::filesystem::exists(path, ignored);
  // First, so that a torn last line is gone before it is read.
  TRY(LineFile file, LineFile::Open(path));
  TRY(const std::string text, ReadSmallFile(path, kMaxJournalBytes));
  SendJournal journal(std::move(file), is_resumed);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    std::uint64_t first_line = 0;
    std::uint64_t lines = 0;
    crypto::Hash32 hash;
    if (!TakeNumber(line, first_line) || !TakeNumber(line, lines) ||
        !codec::HexDecodeInto(line, hash)) {
      return InvalidArgument(
          path.filename().string() +
          ": is no journal of `audit send`: name another file, or remove it (what "
          "was sent is then sent again, and recognised)");
    }
    journal.batches_.insert_or_assign(first_line, hash);
  }
  return journal;
}

bool SendJournal::Has(std::uint64_t first_line, std::string_view batch) const {
  const auto found = batches_.find(first_line);
  return found != batches_.end() && found->second == crypto::Sha256(AsBytes(batch));
}

Result<void> SendJournal::Add(std::uint64_t first_line, std::uint64_t lines,
                              std::string_view batch) {
  const crypto::Hash32 hash = crypto::Sha256(AsBytes(batch));
  TRY_VOID(file_.Append(std::to_string(first_line) + " " + std::to_string(lines) + " " +
                        codec::HexEncode(hash) + "\n"));
  TRY_VOID(file_.Sync());
  batches_.insert_or_assign(first_line, hash);
  return {};
}

}  // namespace salus::client
