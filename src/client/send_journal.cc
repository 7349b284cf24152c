#include "client/send_journal.h"

#include <charconv>
#include <utility>

#include "codec/hex.h"
#include "codec/json.h"

namespace salus::client {
namespace {

constexpr std::size_t kMaxJournalBytes = 256u << 20;
constexpr std::string_view kBegin = "{\"send_journal\":1,";

Error NoJournal() {
  return InvalidArgument(
      "is no journal of `audit send`: name another file, or remove it (what was sent is then sent "
      "again, and recognised)");
}

// Takes the text up to a space, and the space.
std::string_view TakeWord(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == line.npos ? line.size() : end + 1);
  return word;
}

bool TakeNumber(std::string_view& line, std::uint64_t& value) {
  const std::string_view word = TakeWord(line);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && !word.empty() && end == word.data() + word.size();
}

}  // namespace

std::string JournalScope::FirstLine() const {
  codec::JsonObject object;
  object["send_journal"] = 1;
  object["log"] = log_vkey;
  object["source"] = source;
  object["receipts"] = receipts.empty() ? "" : std::filesystem::absolute(receipts).string();
  return codec::WriteJson(object) + "\n";
}

Result<std::filesystem::path> SendJournal::PathOf(const JournalScope& scope,
                                                  const std::filesystem::path& input) {
  TRY(const std::filesystem::path home, StateHome());
  const std::string key = scope.FirstLine() + std::filesystem::absolute(input).string();
  TRY_VOID(MakePrivateDirectory(home / "sent"));
  return home / "sent" / codec::HexEncode(ByteSpan(crypto::Sha256(AsBytes(key))).first(16));
}

// All of it is recognised before LineFile cuts off a torn last line: it may be anybody's file.
Result<SendJournal> SendJournal::Open(const std::filesystem::path& path,
                                      const JournalScope& scope) {
  const std::string first_line = scope.FirstLine();
  std::error_code ignored;
  const bool is_new =
      !std::filesystem::exists(path, ignored) || (std::filesystem::is_regular_file(path, ignored) &&
                                                  std::filesystem::file_size(path, ignored) == 0);
  if (is_new) TRY_VOID(ReplaceFile(path, first_line));
  TRY(const std::string text, ReadSmallFile(path, kMaxJournalBytes));
  if (!text.starts_with(kBegin)) return NoJournal().WithContext(path.filename().string());
  if (!text.starts_with(first_line)) {
    return InvalidArgument(
        path.filename().string() +
        ": is the journal of another log, source or --receipts file, and says nothing about what "
        "was sent here: name another file");
  }
  Result<Batches> batches = ReadBatches(std::string_view(text).substr(first_line.size()));
  if (!batches) return std::move(batches.error()).WithContext(path.filename().string());
  TRY(LineFile file, LineFile::Open(path));
  return SendJournal(std::move(file), *std::move(batches), !is_new);
}

Result<SendJournal::Batches> SendJournal::ReadBatches(std::string_view lines) {
  Batches batches;
  for (std::size_t end = lines.find('\n'); end != lines.npos; end = lines.find('\n')) {
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 1);
    std::uint64_t first_line = 0;
    std::uint64_t count = 0;
    Batch batch;
    if (!TakeNumber(line, first_line) || !TakeNumber(line, count) ||
        !codec::HexDecodeInto(TakeWord(line), batch.hash)) {
      return NoJournal();
    }
    while (!line.empty()) {
      if (!TakeNumber(line, batch.refused.emplace_back())) return NoJournal();
    }
    batches.insert_or_assign(first_line, std::move(batch));
  }
  return batches;
}

std::optional<std::vector<std::uint64_t>> SendJournal::Find(std::uint64_t first_line,
                                                            std::string_view batch) const {
  const auto found = batches_.find(first_line);
  const bool is_it =
      found != batches_.end() && found->second.hash == crypto::Sha256(AsBytes(batch));
  return is_it ? std::optional(found->second.refused) : std::nullopt;
}

Result<void> SendJournal::Add(std::uint64_t first_line, std::uint64_t lines, std::string_view batch,
                              std::span<const std::uint64_t> refused) {
  const crypto::Hash32 hash = crypto::Sha256(AsBytes(batch));
  std::string line =
      std::to_string(first_line) + " " + std::to_string(lines) + " " + codec::HexEncode(hash);
  for (const std::uint64_t number : refused) line += " " + std::to_string(number);
  TRY_VOID(file_.Append(line + "\n"));
  TRY_VOID(file_.Sync());
  batches_.insert_or_assign(first_line, Batch{hash, {refused.begin(), refused.end()}});
  return {};
}

}  // namespace salus::client
