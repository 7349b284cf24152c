// BatchNoise is the noise of an aggregator: added to its share of a batch before that leaves.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "aggregate/aggregator_task.h"
#include "aggregate/batch_bucket.h"
#include "aggregate/noise.h"
#include "aggregate/privacy_ledger.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

// MechanismOf is the noise that a task promises; none where it promises none. The sensitivity that
// it names covers the L1 distance; for the Gaussian mechanism epsilon counts as rho = epsilon^2/2.
//
// Errors: InvalidArgument where the sensitivity is below what its circuit has when one report is
// replaced (the count of reports is published exactly), or where the parameters are out of bounds.
Result<std::optional<NoiseMechanism>> MechanismOf(const DapTask& task);

// BatchNoise spends from the ledger, and then draws. The caller stores the share that it gets
// before anybody sees it, and never asks again for a batch whose share was seen: two draws can be
// averaged. A batch whose share was not stored is drawn for anew, and spent for once.
//
// Ownership: the ledger and the source outlive it.
// Threads:   safe to share.
class BatchNoise {
 public:
  // StudyOf names the study whose budget a task spends from.
  using StudyOf = std::function<std::string(const DapTask& task)>;
  BatchNoise(PrivacyLedger& ledger, StudyOf study_of, RandomSource& random)
      : ledger_(ledger), study_of_(std::move(study_of)), random_(random) {}

  // Check is whether a task's noise can be added at all, before the first report is taken.
  //
  // Errors: those of MechanismOf and Prio3::Create; NotFound where its study has no account;
  // FailedPrecondition as below, and where the whole budget does not hold one batch; those of the
  // ledger.
  Result<void> Check(const DapTask& task);

  // Errors: PermissionDenied when the study's budget does not hold it; FailedPrecondition when the
  // study counts in epsilon and the noise is Gaussian, or the noise could wrap around; those of the
  // ledger. The share must not be given then.
  Result<void> Add(const OpenTask& task, const BucketRange& batch, SecretBytes& share);

 private:
  PrivacyLedger& ledger_;
  StudyOf study_of_;
  RandomSource& random_;
};

}  // namespace salus::aggregate
