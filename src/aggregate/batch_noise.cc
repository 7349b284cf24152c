#include "aggregate/batch_noise.h"

#include <utility>

#include "aggregate/sensitivity.h"

namespace salus::aggregate {
namespace {

using Mechanism = DapNoise::Mechanism;

Result<Rational> EpsilonOf(const DapNoise& noise) {
  return Rational::Of(noise.epsilon_numerator, noise.epsilon_denominator);
}

// What a batch costs in the measure that its study counts in.
Result<Rational> CostOf(const DapNoise& noise, PrivacyMeasure measure) {
  TRY(const Rational epsilon, EpsilonOf(noise));
  if (measure == PrivacyMeasure::kRho) return RhoOfEpsilon(epsilon);
  if (noise.mechanism == Mechanism::kDiscreteGaussian) {
    return FailedPrecondition(
        "noise: the study counts in epsilon, which Gaussian noise does not; give it a budget of "
        "rho");
  }
  return epsilon;
}

}  // namespace

Result<std::optional<NoiseMechanism>> MechanismOf(const DapTask& task) {
  const auto& noise = task.parameters().noise;
  if (!noise) return std::optional<NoiseMechanism>();
  // The collector gets the exact count of reports: data sets with one report more or less are not
  // neighbours, those with another report in its place are.
  TRY(Sensitivity covered, SensitivityOf(task.vdaf(), NeighbourModel::kReplace));
  if (noise->sensitivity < covered.l1) {
    return InvalidArgument("noise: the sensitivity is below what one report can move; it takes " +
                           Rational(covered.l1).ToText() +
                           ", because the count of reports is published");
  }
  covered.l1 = noise->sensitivity;
  TRY(const Rational epsilon, EpsilonOf(*noise));
  if (noise->mechanism == Mechanism::kDiscreteLaplace) {
    TRY(NoiseMechanism laplace, NoiseMechanism::DiscreteLaplace(covered, epsilon));
    return std::optional(std::move(laplace));
  }
  TRY(const Rational rho, RhoOfEpsilon(epsilon));
  TRY(NoiseMechanism gaussian, NoiseMechanism::DiscreteGaussian(covered, rho));
  return std::optional(std::move(gaussian));
}

Result<void> BatchNoise::Check(const DapTask& task) {
  TRY(const std::optional<NoiseMechanism> mechanism, MechanismOf(task));
  if (!mechanism) return {};
  TRY(const StudyAccount account, ledger_.Account(study_of_(task)));
  TRY(const Rational cost, CostOf(*task.parameters().noise, account.measure));
  if (cost > account.budget) {
    return FailedPrecondition("noise: one batch costs " + cost.ToText() +
                              ", and the whole budget of the study is " + account.budget.ToText());
  }
  TRY(const std::unique_ptr<const Prio3> prio3, Prio3::Create(task.vdaf()));
  // Whether the noise fits into the field is said by adding it, to a share of nothing.
  TRY(const ShareField field, ShareField::OfElementBytes(prio3->element_bytes()));
  SecretBytes element(field.element_bytes);
  return mechanism->AddTo(element, field, random_);
}

Result<void> BatchNoise::Add(const OpenTask& task, const BucketRange& batch, SecretBytes& share) {
  TRY(const std::optional<NoiseMechanism> mechanism, MechanismOf(task.task()));
  if (!mechanism) return {};
  const std::string study = study_of_(task.task());
  TRY(const StudyAccount account, ledger_.Account(study));
  TRY(const Rational cost, CostOf(*task.task().parameters().noise, account.measure));
  Bytes id = batch.first.bytes;
  if (task.by_time()) Append(id, batch.last.bytes);
  TRY_VOID(ledger_.Spend({.study = study,
                          .task = ToBytes(task.task().id().span()),
                          .batch = std::move(id),
                          .amount = cost}));
  TRY(const ShareField field, ShareField::OfElementBytes(task.prio3().element_bytes()));
  return mechanism->AddTo(share, field, random_);
}

}  // namespace salus::aggregate
