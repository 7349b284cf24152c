#include "apps/salus/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "apps/salus/data_backend.h"
#include "apps/salus/passphrase_prompt.h"
#include "apps/salus/secret_access.h"
#include "codec/rfc3339.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxPassphraseFile = 4096;

std::string Environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

ExitCode ExitCodeOf(const Error& error, bool is_usage) {
  if (is_usage) return ExitCode::kUsage;
  switch (error.code) {
    case ErrorCode::kVerificationFailed:
    case ErrorCode::kCorruption:
      return ExitCode::kTampered;
    default:
      return ExitCode::kFailed;
  }
}

ExitCode Session::Run() {
  Result<ExitCode> done = command_.run(*this);
  if (done) return *done;
  const ExitCode code = ExitCodeOf(done.error(), is_usage_);
  terminal_.Fail(done.error().message);
  if (code == ExitCode::kTampered) {
    const char* const advice = advice_;
    terminal_.Say(advice != nullptr ? advice : command_.tampered_advice, Colour::kRed);
  }
  if (code == ExitCode::kUsage) {
    terminal_.Say("run 'salus " + command_.FullName() + " --help' for help");
  }
  return code;
}

Error Session::Usage(std::string message) {
  is_usage_ = true;
  return InvalidArgument(std::move(message));
}

Result<std::string> Session::Required(const std::string& flag) {
  std::string text = arguments_.Text(flag);
  if (text.empty()) return Usage(flag + " is required");
  return text;
}

std::string Session::TextOr(const std::string& flag, const char* variable) const {
  return arguments_.Has(flag) ? arguments_.Text(flag) : Environment(variable);
}

bool Session::is_data_place() const {
  if (arguments_.Has("--data")) return true;
  return !arguments_.Has("--server") && !Environment("SALUS_DATA").empty();
}

Result<Backend*> Session::Place(Access access) {
  if (place_) return place_.get();
  if (arguments_.Has("--data") && arguments_.Has("--server")) {
    return Usage("--data and --server are two places: name one");
  }
  if (arguments_.Has("--via") && is_data_place()) {
    return Usage("--via is a folder exchanged with a server: name it with --server");
  }
  const std::string data = data_directory();
  const std::string server = TextOr("--server", "SALUS_SERVER");
  const bool is_named = arguments_.Has("--data") || arguments_.Has("--server");
  if (!is_named && !data.empty() && !server.empty()) {
    return Usage(
        "SALUS_DATA and SALUS_SERVER are both set: name the place with --data or --server");
  }
  if (is_data_place()) {
    TRY(place_, OpenDataDirectory(data,
                                  access == Access::kRead  ? node::NodeAccess::kReadOnly
                                  : access == Access::kAsk ? node::NodeAccess::kAsk
                                                           : node::NodeAccess::kReadWrite,
                                  clock_, random_));
    return place_.get();
  }
  if (server.empty()) return Usage("name the place: --data DIR or --server URL");
  ServerPlace place;
  place.server = server;
  place.via = arguments_.Text("--via");
  place.say = [this](std::string_view text) { terminal_.Say(text); };
  if (arguments_.Has("--timeout")) {
    const std::string text = arguments_.Text("--timeout");
    unsigned seconds = 0;
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (failed != std::errc() || stop != text.data() + text.size() || seconds == 0 ||
        seconds > 86'400) {
      return Usage("--timeout: whole seconds, from 1 to 86400");
    }
    place.via_timeout = std::chrono::seconds(seconds);
  }
  if (!TextOr("--as", "SALUS_AS").empty()) {
    TRY(place.identity, Identity());
  }
  TRY(place_, OpenServer(place));
  return place_.get();
}

Result<SecretBytes> Session::PassphraseIn(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NotFound(path + ": " + std::strerror(errno));
  Result<SecretBytes> line = ReadSecretLine(fd, kMaxPassphraseFile);
  ::close(fd);
  if (!line) return std::move(line.error()).WithContext(path);
  return line;
}

Result<std::optional<SecretBytes>> Session::Passphrase(bool is_new) {
  if (arguments_.Has("--passphrase-file")) {
    TRY(SecretBytes line, PassphraseIn(arguments_.Text("--passphrase-file")));
    return std::optional<SecretBytes>(std::move(line));
  }
  if (!arguments_.Has("--passphrase")) return std::optional<SecretBytes>();
  TRY(SecretBytes typed, AskForPassphrase(is_new));
  return std::optional<SecretBytes>(std::move(typed));
}

Result<SecretBytes> Session::AskForPassphrase(bool is_new) {
  TRY(SecretBytes first, AskPassphrase(is_new ? "New passphrase: " : "Passphrase: "));
  if (is_new) {
    TRY(const SecretBytes second, AskPassphrase("Once more: "));
    const bool is_same =
        ConstantTimeEqual(first.view(CliSecrets::Token()), second.view(CliSecrets::Token()));
    if (!is_same) return InvalidArgument("the two passphrases differ");
  }
  return first;
}

Result<const pki::IdentityDirectory*> Session::Identity() {
  if (identity_) return &*identity_;
  const std::string path = TextOr("--as", "SALUS_AS");
  if (path.empty()) return Usage("say who acts: --as DIR (an identity directory)");
  TRY(passphrase_, Passphrase(false));
  Result<pki::IdentityDirectory> opened = pki::IdentityDirectory::Open(path, identity_passphrase());
  if (!opened) {
    // A wrong passphrase is nobody's forgery.
    if (opened.error().code == ErrorCode::kVerificationFailed) {
      return FailedPrecondition(path + ": the passphrase is wrong");
    }
    if (opened.error().code == ErrorCode::kFailedPrecondition && !passphrase_) {
      opened.error().message += " (--passphrase or --passphrase-file)";
    }
    return std::move(opened.error()).WithContext(path);
  }
  identity_ = *std::move(opened);
  return &*identity_;
}

Result<pki::Identity> Session::CertifiedIdentity() {
  TRY(const pki::IdentityDirectory* identity, Identity());
  if (identity->chain().empty()) {
    return FailedPrecondition(identity->path().string() +
                              " has no certificate yet: salus identity certify");
  }
  return identity->chain().front().identity();
}

Result<audit::Subject> Session::Reader() {
  TRY(const pki::Identity name, CertifiedIdentity());
  const std::string system = arguments_.Text("--system");
  if (name.role == pki::Role::kPatient) {
    return audit::Subject::Create(audit::SubjectKind::kPatient, system, name.id);
  }
  if (name.role == pki::Role::kAuditor) {
    return audit::Subject::Create(audit::SubjectKind::kAuditor, "", name.id);
  }
  if (name.role == pki::Role::kOfficer) return audit::Subject::System();
  return FailedPrecondition(fmt::format(
      "the identity of --as is a {}'s: histories are read by patients, auditors and officers",
      pki::RoleName(name.role)));
}

Result<OutputFormat> Session::Format() {
  if (arguments_.Has("--json") && arguments_.Has("--format")) {
    return Usage("--json is --format json: give one of them");
  }
  if (arguments_.Has("--json")) return OutputFormat::kJson;
  if (!arguments_.Has("--format")) return OutputFormat::kTable;
  Result<OutputFormat> format = ParseOutputFormat(arguments_.Text("--format"));
  if (!format) return Usage(format.error().message);
  return *format;
}

Result<audit::Subject> Session::SubjectOf(audit::SubjectKind kind, const std::string& flag) {
  TRY(const std::string id, Required(flag));
  Result<audit::Subject> subject = audit::Subject::Create(kind, arguments_.Text("--system"), id);
  if (!subject) return Usage(flag + ": " + subject.error().message);
  return *subject;
}

Result<std::optional<Day>> Session::DayOfFlag(const std::string& flag) {
  if (!arguments_.Has(flag)) return std::optional<Day>();
  const Result<Day> day = codec::ParseDay(arguments_.Text(flag));
  if (!day) return Usage(flag + ": a day is written YYYY-MM-DD");
  return std::optional<Day>(*day);
}

Result<std::string> ReadTextFile(const std::string& path, std::size_t limit_bytes) {
  std::error_code failed;
  const std::filesystem::file_status status = std::filesystem::status(path, failed);
  if (failed || !std::filesystem::exists(status)) return NotFound(path + ": no such file");
  if (std::filesystem::is_directory(status)) return InvalidArgument(path + ": is a directory");
  std::ifstream in(path, std::ios::binary);
  if (!in) return PermissionDenied(path + ": can't be read");
  std::string text;
  char buffer[65'536];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (text.size() > limit_bytes) return InvalidArgument(path + ": is too large");
  }
  return text;
}

Result<void> WriteTextFile(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".tmp";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.flush();
    if (!out) return Unavailable(temporary + ": can't be written");
  }
  std::error_code failed;
  std::filesystem::rename(temporary, path, failed);
  if (failed) return Unavailable(path + ": " + failed.message());
  return {};
}

}  // namespace salus::cli
