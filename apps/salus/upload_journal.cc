#include "apps/salus/upload_journal.h"

#include <fmt/format.h>

#include <numeric>
#include <system_error>
#include <utility>

#include "base/endian.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "crypto/sha256.h"
#include "pki/directory_files.h"

namespace salus::cli {

namespace {

using aggregate::DapReport;

constexpr std::size_t kMaxStateBytes = std::size_t{256} << 20;
constexpr std::int64_t kFormat = 1;

// Each value with its length in front: no two inputs have the same bytes.
std::string HashOf(std::span<const Value> values) {
  crypto::Sha256Stream hasher;
  for (const Value& value : values) {
    Bytes bytes;
    AppendBe(bytes, static_cast<std::uint64_t>(value.numbers.size()));
    for (const std::int64_t number : value.numbers) {
      AppendBe(bytes, static_cast<std::uint64_t>(number));
    }
    hasher.Update(bytes);
  }
  return codec::HexEncode(hasher.Finish());
}

Result<std::uint64_t> CountAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::int64_t count, codec::IntAt(object, name));
  if (count < 0) return InvalidArgument(fmt::format("{}: must not be negative", name));
  return static_cast<std::uint64_t>(count);
}

// A folder with other things in it is not made a journal of.
Result<void> CheckFolder(const std::filesystem::path& folder) {
  std::error_code failed;
  if (!std::filesystem::exists(folder, failed)) return {};
  const bool is_free = std::filesystem::is_directory(folder, failed) &&
                       (std::filesystem::exists(folder / "lock", failed) ||
                        std::filesystem::is_empty(folder, failed));
  if (is_free) return {};
  return InvalidArgument(folder.string() +
                         ": is no journal of `aggregate upload`: name a new folder");
}

// Its name must be on disk before the first report leaves.
Result<void> MakeFolder(std::filesystem::path folder) {
  TRY_VOID(CheckFolder(folder));
  TRY_VOID(client::MakePrivateDirectory(folder));
  folder = std::filesystem::absolute(folder);
  if (!folder.has_filename()) folder = folder.parent_path();
  return pki::SyncDirectory(folder.parent_path());
}

}  // namespace

std::uint64_t UploadTotals::refused_count() const {
  return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& one) { return sum + one.second; });
}

UploadJournal::UploadJournal(std::filesystem::path folder, client::FolderLock lock,
                             const aggregate::DapTask& task, std::span<const Value> values)
    : folder_(std::move(folder)),
      lock_(std::move(lock)),
      version_(task.version()),
      task_(task.id().ToText()),
      values_(values.size()),
      input_(HashOf(values)) {}

Result<UploadJournal> UploadJournal::Open(const std::filesystem::path& folder,
                                          const aggregate::DapTask& task,
                                          std::span<const Value> values) {
  TRY_VOID(MakeFolder(folder));
  TRY(client::FolderLock lock, client::FolderLock::Take(folder));
  UploadJournal journal(folder, std::move(lock), task, values);
  std::error_code failed;
  if (!std::filesystem::exists(folder / "state", failed)) return journal;
  TRY(const std::string text, client::ReadSmallFile(folder / "state", kMaxStateBytes));
  const codec::JsonLimits limits{.max_size_bytes = kMaxStateBytes};
  Result<codec::Json> json = codec::ParseJson(text, limits);
  if (!json) return std::move(json.error()).WithContext((folder / "state").string());
  TRY(const codec::JsonObject* const state, codec::AsObject(*json, "state"));
  Result<void> read = journal.Read(*state);
  if (!read) return std::move(read.error()).WithContext(folder.string());
  return journal;
}

Result<void> UploadJournal::Read(const codec::JsonObject& state) {
  TRY_VOID(codec::CheckMembers(state, {"upload_journal", "task", "values", "answered", "taken",
                                       "repeated", "refused", "input", "sealed"}));
  TRY(const std::int64_t format, codec::IntAt(state, "upload_journal"));
  if (format != kFormat) return InvalidArgument("is a journal of a newer salus");
  TRY(const std::string_view task, codec::StringAt(state, "task"));
  TRY(const std::uint64_t values, CountAt(state, "values"));
  TRY(answered_, CountAt(state, "answered"));
  TRY(totals_.taken, CountAt(state, "taken"));
  TRY(totals_.repeated, CountAt(state, "repeated"));
  TRY(const codec::JsonObject* const refused, codec::ObjectAt(state, "refused"));
  for (const auto& [reason, ignored] : *refused) {
    TRY(totals_.refused[reason], CountAt(*refused, reason));
  }
  TRY(const auto input, codec::OptionalStringAt(state, "input"));
  if (!input) {
    return AlreadyExists(fmt::format(
        "its upload is complete ({} taken, {} repeated, {} refused), and nothing was sent now: for "
        "another one name a new folder, or remove this one",
        totals_.taken, totals_.repeated, totals_.refused_count()));
  }
  if (task != task_ || values != values_ || *input != input_) {
    return FailedPrecondition(
        "is the journal of another task, or of other values: name a new folder, or give what it "
        "was begun with");
  }
  TRY(const codec::JsonArray* const sealed, codec::ArrayAt(state, "sealed"));
  if (answered_ > values_ || sealed->size() > values_ - answered_) {
    return InvalidArgument("sealed: there are more reports than values");
  }
  for (const codec::Json& one : *sealed) {
    if (!one.is_string()) return InvalidArgument("sealed: must be a list of reports");
    TRY(const Bytes bytes, codec::Base64UrlDecode(std::string_view(one.as_string())));
    TRY(DapReport report, DapReport::Parse(version_, bytes));
    sealed_.push_back(std::move(report));
  }
  return {};
}

codec::JsonObject UploadJournal::StateOf(std::uint64_t answered, const UploadTotals& totals) const {
  codec::JsonObject state;
  state["upload_journal"] = kFormat;
  state["task"] = task_;
  state["values"] = values_;
  state["answered"] = answered;
  state["taken"] = totals.taken;
  state["repeated"] = totals.repeated;
  codec::JsonObject refused;
  for (const auto& [reason, count] : totals.refused) refused[reason] = count;
  state["refused"] = std::move(refused);
  return state;
}

Result<void> UploadJournal::NoteSealed(std::uint64_t answered, const UploadTotals& totals,
                                       std::span<const DapReport> sealed) {
  codec::JsonObject state = StateOf(answered, totals);
  state["input"] = input_;
  codec::JsonArray reports;
  for (const DapReport& report : sealed) {
    reports.push_back(codec::Json(codec::Base64UrlEncode(report.Encode(version_))));
  }
  state["sealed"] = std::move(reports);
  return Write(state);
}

// The hash of the values goes too: of few it could be guessed, and nobody needs it any more.
Result<void> UploadJournal::NoteComplete(const UploadTotals& totals) {
  return Write(StateOf(values_, totals));
}

Result<void> UploadJournal::Write(const codec::JsonObject& state) const {
  return client::ReplaceFile(folder_ / "state", codec::WriteJson(state) + "\n");
}

}  // namespace salus::cli
