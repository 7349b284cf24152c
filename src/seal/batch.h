// Batch seals or opens many files in one run: each on its own, and made durable together.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace salus::seal {

// BatchFile is one file's way.
struct BatchFile {
  std::string input;
  std::string output;
};

// Batch is a list of files whose outputs all lie in one folder.
class Batch {
 public:
  // Inputs gives each input a name in folder.
  //
  // Errors: InvalidArgument when an input has no file name, or two would get the same.
  using NameOf = std::function<Result<std::string>(const std::string& file_name)>;
  static Result<Batch> Plan(const std::vector<std::string>& inputs, const std::string& folder,
                            const NameOf& name_of);

  // Run calls work once for each file, on at most threads threads, and goes on after a failure.
  // The answer has an error for each file that failed, at its place in files(). What work has
  // written without syncing is durable afterwards.
  //
  // Errors: Unavailable when the folder can't be synced.
  using Work = std::function<Result<void>(const BatchFile& file)>;
  Result<std::vector<std::optional<Error>>> Run(unsigned threads, const Work& work) const;

  const std::vector<BatchFile>& files() const { return files_; }

 private:
  std::string folder_;
  std::vector<BatchFile> files_;
};

// SealedName is name and ".age"; OpenedName takes that away again. Errors: InvalidArgument when
// name does not end in it.
Result<std::string> SealedName(const std::string& name);
Result<std::string> OpenedName(const std::string& name);

}  // namespace salus::seal
