#include "apps/salus/seal_many.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "apps/salus/input_file.h"
#include "apps/salus/seal_keys.h"
#include "apps/salus/seal_one.h"
#include "pki/descriptor.h"
#include "seal/batch.h"
#include "seal/output_file.h"

namespace salus::cli {

namespace {

using seal::OutputFile;

constexpr std::size_t kMaxLabelBytes = 40;

// How many files are done, told by many threads.
class FileCount {
 public:
  FileCount(Terminal& terminal, std::string label, std::size_t total)
      : bar_(terminal, std::move(label), "files", total) {}
  void Add() {
    const std::lock_guard lock(mutex_);
    bar_.Set(++done_);
  }

 private:
  std::mutex mutex_;
  std::uint64_t done_ = 0;
  ProgressBar bar_;
};

OutputFile::Options Options(const Session& session, OutputFile::Content content) {
  return {.content = content,
          .if_exists = session.arguments().Has("--force") ? OutputFile::IfExists::kReplace
                                                          : OutputFile::IfExists::kRefuse,
          .durability = OutputFile::Durability::kWholeBatch};
}

// RemoveEmpty takes a folder away into which nothing came.
struct RemoveEmpty {
  void operator()(const std::string* folder) const {
    ::rmdir(folder->c_str());
    delete folder;
  }
};

// The inputs and OUTDIR, which is made when it is missing, and taken away again when all failed.
struct Places {
  std::vector<std::string> inputs;
  std::string folder;
  std::unique_ptr<const std::string, RemoveEmpty> made = {};
};

Result<Places> PlacesOf(Session& session, mode_t mode) {
  Places places{session.arguments().List("IN"), session.arguments().Text("--output-folder")};
  if (session.arguments().Has("--output")) {
    return session.Usage("-o names one output: for several, name a folder with -O");
  }
  if (session.arguments().Has("--format")) {
    return session.Usage("--format is for one file at a time");
  }
  if (places.folder.empty() && session.arguments().Has("--to-each")) places.folder = ".";
  if (places.folder.empty()) {
    return session.Usage("several inputs need a folder for their outputs: -O OUTDIR");
  }
  if (places.inputs.empty()) return session.Usage("name the files, one or more");
  if (::mkdir(places.folder.c_str(), mode) == 0) {
    places.made.reset(new std::string(places.folder));
  } else if (errno != EEXIST) {
    return pki::FileError("make the folder " + places.folder, errno);
  }
  return places;
}

// Failures keep the order of the inputs, whatever order they came in.
class Failures {
 public:
  explicit Failures(Terminal& terminal) : terminal_(terminal) {}

  void Tell(const seal::Batch& batch, const std::vector<std::optional<Error>>& errors) {
    for (std::size_t i = 0; i < errors.size(); ++i) {
      ++total_;
      if (!errors[i].has_value()) continue;
      ++failed_;
      is_tampered_ = is_tampered_ || ExitCodeOf(*errors[i], false) == ExitCode::kTampered;
      const std::string& input = batch.files()[i].input;
      const bool is_named = errors[i]->message.find(input) != std::string::npos;
      terminal_.Fail(is_named ? errors[i]->message : input + ": " + errors[i]->message);
    }
  }

  Result<ExitCode> Outcome() const {
    if (failed_ == 0) return ExitCode::kDone;
    return Error{is_tampered_ ? ErrorCode::kVerificationFailed : ErrorCode::kUnavailable,
                 fmt::format("{} of {} failed; the others are done", failed_,
                             Counted(total_, "file", "files"))};
  }

 private:
  Terminal& terminal_;
  std::uint64_t total_ = 0;
  std::uint64_t failed_ = 0;
  bool is_tampered_ = false;
};

Result<void> SealOne(Session& session, const Sealing& sealing, const seal::BatchFile& file) {
  TRY(const auto output,
      OutputFile::Create(file.output, Options(session, OutputFile::Content::kSealed)));
  TRY_VOID(SealInto(session, sealing, file.input, *output, nullptr));
  return output->Commit();
}

// The beginning of an age key, the end of others, whose beginnings are all alike.
std::string LabelOfKey(const seal::Recipient& recipient) {
  constexpr std::size_t kKeyLetters = 12;
  const std::string name = recipient.Name();
  if (name.empty()) return "passphrase";
  const std::size_t space = name.find(' ');
  if (space == std::string::npos)
    return name.substr(0, std::string_view("age1").size() + kKeyLetters);
  return name.substr(0, space) + "-" +
         name.substr(std::max(name.size(), kKeyLetters) - kKeyLetters);
}

// What a recipient is called in a file name: as its file is, or as it is registered; a key that was
// given as text, and one of several in a file, by its letters. No dots: then no two labels and
// names can make the same file name.
std::string LabelOf(const std::string& given, std::size_t count, const seal::Recipient& recipient,
                    const std::map<std::string, seal::Recipients>& taken) {
  std::error_code ignored;
  const bool is_name = std::filesystem::exists(given, ignored) || given.contains(':');
  std::string label = LabelOfKey(recipient);
  if (is_name && count == 1) {
    std::filesystem::path path = given;
    if (!path.has_filename()) path = path.parent_path();
    label = path.stem().string().substr(0, kMaxLabelBytes);
  }
  const auto clean = [](std::string text) {
    for (char& c : text) {
      const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                            (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
      if (!is_plain) c = '-';
    }
    return text;
  };
  label = clean(label);
  return taken.contains(label) ? clean(LabelOfKey(recipient)) : label;
}

Result<void> SealBatch(Session& session, const Sealing& sealing, const Places& places,
                       const seal::Batch::NameOf& name_of, Failures& failures) {
  TRY(const seal::Batch batch, seal::Batch::Plan(places.inputs, places.folder, name_of));
  FileCount count(session.terminal(), "sealing", batch.files().size());
  TRY(const auto errors, batch.Run(seal::DefaultThreads(), [&](const seal::BatchFile& file) {
    Result<void> sealed = SealOne(session, sealing, file);
    count.Add();
    return sealed;
  }));
  failures.Tell(batch, errors);
  return {};
}

Result<void> OpenOne(Session& session, const seal::Identities& identities,
                     const seal::BatchFile& file) {
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(file.input));
  TRY(const std::unique_ptr<seal::AgeOpener> opener, seal::AgeOpener::Start(*input));
  TRY(const std::string own_name, UnlockWith(*opener, identities));
  const Opening opening{*opener, own_name, 1, {}, file.input + ": "};
  const OutputFile::Options options = Options(session, OutputFile::Content::kOpened);
  if (HoldsFolder(*opener)) {
    return OpenFolderAt(session, opening, file.output, options.durability);
  }
  TRY(const auto output, OutputFile::Create(file.output, options));
  return OpenInto(session, opening, *output);
}

// Each thread of a batch has files of its own: one thread a file.
Sealing SealingOf(const Session& session, const seal::Recipients& recipients,
                  const std::optional<seal::Signer>& signer) {
  return {recipients, signer, session.arguments().Has("--armor"), 1};
}

Result<ExitCode> SealToAll(Session& session, std::vector<GivenRecipients> all,
                           const std::optional<seal::Signer>& signer, const Places& places) {
  const seal::Recipients recipients = Together(std::move(all));
  Failures failures(session.terminal());
  TRY_VOID(SealBatch(session, SealingOf(session, recipients, signer), places, seal::SealedName,
                     failures));
  return failures.Outcome();
}

Result<ExitCode> SealToEach(Session& session, std::vector<GivenRecipients> all,
                            const std::optional<seal::Signer>& signer, const Places& places) {
  std::map<std::string, seal::Recipients> by_label;
  std::set<std::string> names;
  for (GivenRecipients& given : all) {
    const std::size_t count = given.recipients.size();
    for (std::unique_ptr<seal::Recipient>& recipient : given.recipients) {
      const std::string label = LabelOf(given.given, count, *recipient, by_label);
      seal::Recipients& alone = by_label[label];
      if (!names.insert(recipient->Name()).second || !alone.empty()) {
        return session.Usage("a recipient is named twice: --to-each makes one file for each");
      }
      alone.push_back(std::move(recipient));
    }
  }
  Failures failures(session.terminal());
  for (const auto& [label, alone] : by_label) {
    const auto name_of = [&](const std::string& name) {
      return seal::SealedName(name + "." + label);
    };
    TRY_VOID(SealBatch(session, SealingOf(session, alone, signer), places, name_of, failures));
  }
  return failures.Outcome();
}

}  // namespace

Flag OutputFolderFlag() {
  return {"--output-folder", FlagKind::kText, "OUTDIR",
          "write each output into this folder, named after its input", "-O"};
}

Flag ToEachFlag() {
  return {"--to-each", FlagKind::kSwitch, "",
          "one file for each recipient, who can't see that there are others"};
}

bool IsForMany(const Session& session) {
  return session.arguments().Has("--output-folder") || session.arguments().Has("--to-each") ||
         session.arguments().List("IN").size() > 1;
}

Result<ExitCode> SealMany(Session& session) {
  TRY(const Places places, PlacesOf(session, 0777));
  TRY(std::vector<GivenRecipients> all, RecipientsAsGiven(session));
  TRY(const std::optional<seal::Signer> signer, SealSigner(session));
  return session.arguments().Has("--to-each") ? SealToEach(session, std::move(all), signer, places)
                                              : SealToAll(session, std::move(all), signer, places);
}

Result<ExitCode> OpenMany(Session& session) {
  TRY(const Places places, PlacesOf(session, 0700));
  TRY(const seal::Batch batch, seal::Batch::Plan(places.inputs, places.folder, seal::OpenedName));
  TRY(const seal::Identities identities, IdentitiesOfMany(session));
  FileCount count(session.terminal(), "opening", batch.files().size());
  TRY(const auto errors, batch.Run(seal::DefaultThreads(), [&](const seal::BatchFile& file) {
    Result<void> opened = OpenOne(session, identities, file);
    count.Add();
    return opened;
  }));
  Failures failures(session.terminal());
  failures.Tell(batch, errors);
  return failures.Outcome();
}

}  // namespace salus::cli
