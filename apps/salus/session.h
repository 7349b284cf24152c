// Session is one run of one command: its arguments, the place it works on, who acts, and where its
// results and messages go.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/salus/backend.h"
#include "apps/salus/command.h"
#include "apps/salus/result_writer.h"
#include "apps/salus/terminal.h"
#include "base/clock.h"
#include "base/random.h"

namespace salus::cli {

// Access says whether a data directory is opened for writing; a server does not care.
enum class Access { kRead, kAsk, kWrite };

// ExitCodeOf is the only mapping of an error to what the shell sees.
ExitCode ExitCodeOf(const Error& error, bool is_usage);

class Session {
 public:
  Session(const Command& command, Arguments arguments)
      : command_(command), arguments_(std::move(arguments)) {}

  // Run runs the command, and says on the terminal what went wrong.
  ExitCode Run();

  const Arguments& arguments() const { return arguments_; }
  Terminal& terminal() { return terminal_; }
  const Clock& clock() const { return clock_; }
  RandomSource& random() { return random_; }

  // Usage is an error of the caller's command line: exit code 2.
  Error Usage(std::string message);
  // Advise says what to do after exit code 3, where the command's own advice does not fit: what
  // failed was not the content. From any thread; advice lives as long as the program.
  void Advise(const char* advice) { advice_ = advice; }
  // Required is a flag's text. Errors: usage.
  Result<std::string> Required(const std::string& flag);
  // Flag or environment; the flag wins.
  std::string TextOr(const std::string& flag, const char* variable) const;

  // Place opens the data directory or server that was named, once.
  Result<Backend*> Place(Access access);
  // ClosePlace gives the directory's lock back.
  void ClosePlace() { place_.reset(); }
  bool is_data_place() const;
  std::string data_directory() const { return TextOr("--data", "SALUS_DATA"); }

  // Identity is the identity directory of --as. Errors: usage when there is none.
  Result<const pki::IdentityDirectory*> Identity();
  // identity_passphrase is what the identity was opened with, or null.
  const SecretBytes* identity_passphrase() const { return passphrase_ ? &*passphrase_ : nullptr; }
  // Passphrase asks on the terminal or reads the file, where one of the two was asked for.
  Result<std::optional<SecretBytes>> Passphrase(bool is_new);
  // PassphraseIn reads the first line of a file. Errors: NotFound, InvalidArgument.
  static Result<SecretBytes> PassphraseIn(const std::string& path);
  // AskForPassphrase asks on the terminal, twice for a new one.
  // Errors: FailedPrecondition where there is no terminal.
  Result<SecretBytes> AskForPassphrase(bool is_new);
  // CertifiedIdentity is the name in its certificate. Errors: FailedPrecondition without one.
  Result<pki::Identity> CertifiedIdentity();
  // Reader is the subject that the identity of --as stands for: a patient or an auditor.
  Result<audit::Subject> Reader();

  Result<OutputFormat> Format();
  // Subject of --id or --patient with --system.
  Result<audit::Subject> SubjectOf(audit::SubjectKind kind, const std::string& flag);
  // A day, YYYY-MM-DD. Errors: usage.
  Result<std::optional<Day>> DayOfFlag(const std::string& flag);

 private:
  const Command& command_;
  const Arguments arguments_;
  Terminal terminal_;
  SystemClock clock_;
  SystemRandom random_;
  bool is_usage_ = false;
  std::atomic<const char*> advice_ = nullptr;
  std::optional<SecretBytes> passphrase_;
  std::optional<pki::IdentityDirectory> identity_;
  std::unique_ptr<Backend> place_;
};

// ReadTextFile and WriteTextFile are for what the caller named on the command line.
Result<std::string> ReadTextFile(const std::string& path, std::size_t limit_bytes);
Result<void> WriteTextFile(const std::string& path, std::string_view text);

}  // namespace salus::cli
