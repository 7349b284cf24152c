#include "aggregate/aggregator_fixture.h"

#include <bit>
#include <filesystem>
#include <utility>

#include "aggregate/dap_binding.h"
#include "aggregate/dap_path.h"
#include "aggregate/derivation.h"
#include "aggregate/element_vector.h"
#include "aggregate/field128.h"
#include "aggregate/input_share.h"
#include "aggregate/ping_pong.h"
#include "aggregate/sealed_share.h"
#include "aggregate/share_access.h"
#include "base/check.h"

namespace salus::aggregate {
namespace {

constexpr Timestamp kStart{std::chrono::milliseconds(1'790'000'000'000)};

SecretBytes RandomSecret(RandomSource& random, std::size_t size_bytes) {
  SecretBytes secret(size_bytes);
  random.Fill(secret.mutable_view(ShareAccess::Token()));
  return secret;
}

template <typename T>
T Must(Result<T> result) {
  CHECK(result.has_value());
  return *std::move(result);
}
void Must(const Result<void>& result) { CHECK(result.has_value()); }

}  // namespace

std::filesystem::path MemoryFolder() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

CommitProbe PowerCut::Probe() {
  return [this](CommitMoment) -> Result<void> {
    ++moments_;
    if (left_ > 0 && --left_ == 0) is_dead_ = true;
    if (is_dead_) return Unavailable("the power failed");
    return {};
  };
}

Result<void> KeptLog::TaskCreated(const AggregatorTask& task) {
  if (refuses) return Unavailable("the log does not write");
  purposes.push_back(task.task.parameters().purpose);
  return {};
}

Result<void> KeptLog::BatchCollected(const AggregatorTask& task, const LoggedBatch& batch) {
  if (refuses) return Unavailable("the log does not write");
  const auto [known, is_new] = batches.emplace(batch.selector.Encode(task.task.version()), batch);
  if (!is_new && (known->second.answer_sha256 != batch.answer_sha256 ||
                  known->second.report_count != batch.report_count)) {
    ++contradictions;
    return Conflict("the batch was logged with another answer");
  }
  return {};
}

TwoAggregators::TwoAggregators(const Setup& setup)
    : clock(kStart), random(setup.seed), folder(MemoryFolder()), setup_(setup) {
  setup_.vdaf.profile = ProfileOf(setup.version);
  // Draft-08 counts in bits.
  if (setup.version == DapVersion::k09 && setup_.vdaf.circuit == Circuit::kSum) {
    setup_.vdaf.max_measurement = std::bit_ceil(setup_.vdaf.max_measurement + 1) - 1;
  }
  prio3_ = Must(Prio3::Create(setup_.vdaf));
  task_id = TaskId::Random(random);
  task_ =
      std::make_unique<DapTask>(Must(DapTask::Create({.version = setup.version,
                                                      .id = task_id,
                                                      .leader_url = "https://leader.example/dap",
                                                      .helper_url = "https://helper.example/dap",
                                                      .batch_mode = setup.mode,
                                                      .time_precision_s = 3600,
                                                      .min_batch_size = setup.min_batch_size,
                                                      .vdaf = setup_.vdaf,
                                                      .interval = setup.interval,
                                                      .purpose = "how tall people are",
                                                      .statistic = {.name = "height", .unit = "cm"},
                                                      .noise = setup.noise,
                                                      .task_info = {}})));
  DapHpkeKey collector_key = DapHpkeKey::Generate(9, random);
  const DapHpkeConfig collector_config = collector_key.config();
  collector_ =
      std::make_unique<DapCollector>(Must(DapCollector::Create(*task_, std::move(collector_key))));
  const SecretBytes verify_key = RandomSecret(random, prio3_->verify_key_bytes());
  for (const DapRole role : {DapRole::kLeader, DapRole::kHelper}) {
    AggregatorSide& side = role == DapRole::kLeader ? leader_side : helper_side;
    side.path = (folder / (role == DapRole::kLeader ? "leader.db" : "helper.db")).string();
    random.Fill(side.key.mutable_view(ShareAccess::Token()));
    side.ledger = Must(PrivacyLedger::Create(side.path + ".ledger"));
    Must(side.ledger->OpenStudy(kStudy, PrivacyMeasure::kEpsilon, Rational(setup.budget)));
    side.noise = std::make_unique<BatchNoise>(
        *side.ledger, [](const DapTask&) { return std::string(kStudy); }, random);
    side.store = Must(
        ReportStore::Open(side.path, StoreAccess::kCreate, side.key, random, side.power.Probe()));
    Must(CreateTask(PartsOf(side), {.task = *task_,
                                    .role = role,
                                    .verify_key = verify_key.Clone(),
                                    .collector_config = collector_config,
                                    .aggregator_token = RandomSecret(random, 16),
                                    .collector_token = RandomSecret(random, 16)}));
    Must(side.store->RotateHpkeKey(clock.Now()));
  }
  leader = std::make_unique<Leader>(PartsOf(leader_side), *this,
                                    Leader::Options{.job_reports = setup.job_reports});
  helper = std::make_unique<AnsweringAggregator>(PartsOf(helper_side));
}

TwoAggregators::~TwoAggregators() = default;

AggregatorParts TwoAggregators::PartsOf(AggregatorSide& side) {
  return {.store = *side.store,
          .log = side.log,
          .noise = *side.noise,
          .clock = clock,
          .random = random};
}

void TwoAggregators::OpenSide(AggregatorSide& side) {
  side.store.reset();
  side.power.Restore();
  side.store =
      Must(ReportStore::Open(side.path, StoreAccess::kOpen, side.key, random, side.power.Probe()));
}

void TwoAggregators::OpenLeader() {
  leader.reset();
  OpenSide(leader_side);
  leader = std::make_unique<Leader>(PartsOf(leader_side), *this,
                                    Leader::Options{.job_reports = setup_.job_reports});
}

void TwoAggregators::OpenHelper() {
  helper.reset();
  OpenSide(helper_side);
  helper = std::make_unique<AnsweringAggregator>(PartsOf(helper_side));
}

// By hand, for reports that no client makes.
DapReport TwoAggregators::SealReport(const Shards& shards, const ReportMetadata& metadata) {
  const auto seal = [&](const AggregatorSide& side, DapRole role, const SecretBytes& share) {
    const PlaintextInputShare plaintext{.private_extensions = {}, .payload = share.Clone()};
    const auto to = Must(DapRecipient::Choose(side.store->hpke_keys().Configs()));
    return Must(to.Seal(InputShareInfo(setup_.version, role),
                        InputShareAad(*task_, metadata, shards.public_share),
                        plaintext.Encode(setup_.version), random));
  };
  return {.metadata = metadata,
          .public_share = shards.public_share,
          .leader_share = seal(leader_side, DapRole::kLeader, shards.input_shares[0]),
          .helper_share = seal(helper_side, DapRole::kHelper, shards.input_shares[1])};
}

DapReport TwoAggregators::MakeReport(std::uint64_t measurement) {
  const auto client = Must(DapClient::Create(*task_, leader_side.store->hpke_keys().Configs(),
                                             helper_side.store->hpke_keys().Configs()));
  const std::uint64_t values[] = {measurement};
  return Must(client.MakeReport(values, clock.Now(), random));
}

DapReport TwoAggregators::MakeReport(std::uint64_t measurement, std::uint64_t time) {
  const ReportMetadata metadata{
      .id = ReportId::Random(random), .time = time, .public_extensions = {}};
  const std::uint64_t values[] = {measurement};
  return SealReport(Must(prio3_->Shard(task_->context(), values, metadata.id.bytes(), random)),
                    metadata);
}

DapReport TwoAggregators::MakeLyingReport(std::uint64_t measurement) {
  const ReportMetadata metadata{
      .id = ReportId::Random(random), .time = Now(), .public_extensions = {}};
  const std::uint64_t values[] = {measurement};
  Shards shards = Must(prio3_->Shard(task_->context(), values, metadata.id.bytes(), random));
  // 2^24 more in the first element: still below the modulus, far above the limit.
  const auto share = shards.input_shares[0].mutable_view(ShareAccess::Token());
  share[3] ^= 1;
  return SealReport(shards, metadata);
}

// Where all bits are 1 the circuit's gadget has only zeros to multiply, and a proof that adds up to
// nothing holds under any joint randomness.
DapReport TwoAggregators::MakeSplittingReport() {
  const ReportMetadata metadata{
      .id = ReportId::Random(random), .time = Now(), .public_extensions = {}};
  const std::uint64_t values[] = {setup_.vdaf.max_measurement};
  Shards shards = Must(prio3_->Shard(task_->context(), values, metadata.id.bytes(), random));
  const bool is_09 = setup_.version == DapVersion::k09;
  const std::size_t seed_bytes = is_09 ? 16 : 32;
  const std::size_t measurement = std::bit_width(setup_.vdaf.max_measurement);
  const std::size_t elements =
      (prio3_->input_share_bytes(0) - seed_bytes) / Field128::kEncodedBytes;
  std::vector<Field128> proof(elements - measurement);
  const Derivation derivation(setup_.vdaf.profile, is_09 ? 2 : 3, task_->context());
  const std::uint8_t one = 1;
  const ByteSpan seeds = shards.input_shares[1].view(ShareAccess::Token());
  derivation.Expand<Field128>(seeds.subspan(is_09 ? seed_bytes : 0, seed_bytes), Usage::kProofShare,
                              {{&one, 1}, {&one, 1}}, std::span<Field128>(proof));
  for (Field128& element : proof) element = -element;
  EncodeElements<Field128>(std::span<const Field128>(proof),
                           shards.input_shares[0]
                               .mutable_view(ShareAccess::Token())
                               .subspan(measurement * Field128::kEncodedBytes));
  shards.public_share[seed_bytes] ^= 1;  // the helper's part
  return SealReport(shards, metadata);
}

std::optional<std::vector<std::optional<ReportError>>> TwoAggregators::Upload(
    const std::vector<DapReport>& reports) {
  std::vector<std::optional<ReportError>> errors(reports.size());
  const auto one_at_a_time = [&] {
    for (std::size_t i = 0; i < reports.size(); ++i) {
      last_answer = leader->HandleUpload(task_id, reports[i].Encode(DapVersion::k09));
      if (last_answer.status >= 500) return false;
      if (!last_answer.is_success()) errors[i] = ReportError::kReportDropped;
    }
    return true;
  };
  if (setup_.version == DapVersion::k09) {
    if (!one_at_a_time()) return std::nullopt;
    return errors;
  }
  last_answer = leader->HandleUpload(task_id, UploadRequest{reports}.Encode(setup_.version));
  if (last_answer.status != 200) return std::nullopt;
  if (last_answer.body.empty()) return errors;
  const UploadErrors refused = Must(UploadErrors::Parse(last_answer.body));
  std::size_t i = 0;
  for (const auto& status : refused.statuses) {
    while (reports.at(i).metadata.id != status.id) ++i;
    errors[i++] = status.error;
  }
  return errors;
}

Bytes TwoAggregators::JobRequestFor(const std::vector<DapReport>& reports,
                                    const std::optional<BatchId>& batch) {
  AggregationJobInitReq request;
  request.batch_id = batch;
  const OpenTask& task = leader_task();
  for (const DapReport& report : reports) {
    const auto share = OpenInputShare(task, leader_side.store->hpke_keys(), report.metadata,
                                      report.public_share, report.leader_share);
    CHECK(share.has_value());
    const ReportShare view{.nonce = report.metadata.id.span(),
                           .public_share = report.public_share,
                           .input_share = &*share};
    auto begun = Must(
        PingPongLeaderInit(task.prio3(), task.config().verify_key, task.task().context(), view));
    request.verify_inits.push_back({.report_share = {.metadata = report.metadata,
                                                     .public_share = report.public_share,
                                                     .encrypted_input_share = report.helper_share},
                                    .payload = std::move(begun.outbound)});
  }
  return request.Encode(setup_.version);
}

bool TwoAggregators::Run() {
  for (int step = 0; step < 10'000; ++step) {
    const auto moved = leader->Advance(leader_task());
    if (!moved) return false;
    if (!*moved) return true;
  }
  return false;
}

CollectionJobReq TwoAggregators::RequestFor(const DapInterval& interval) const {
  return {.query = DapQuery::ForInterval(interval), .agg_param = {}, .extensions = {}};
}

CollectionJobReq TwoAggregators::RequestForNext() const {
  return {.query = DapQuery::ForNextBatch(), .agg_param = {}, .extensions = {}};
}

void TwoAggregators::PassInterval(const CollectionJobReq& request) {
  if (request.query.mode != BatchMode::kTimeInterval) return;
  const DapInterval& interval = request.query.interval;
  const auto end = Must([&]() -> Result<std::uint64_t> {
    const auto second = task_->UnixSeconds(interval.start + interval.duration);
    if (!second) return InvalidArgument("after the year 9999");
    return *second;
  }());
  const Timestamp late =
      Timestamp(std::chrono::seconds(end)) + kClockSkew + std::chrono::seconds(1);
  if (clock.Now() < late) clock.Advance(late - clock.Now());
}

std::optional<CollectionJobId> TwoAggregators::BeginCollection(const CollectionJobReq& request,
                                                               const CollectionJobId& chosen) {
  const Bytes body = request.Encode(setup_.version);
  if (setup_.version == DapVersion::k09) {
    last_answer = leader->HandleCollection(task_id, chosen, body);
    if (!last_answer.is_success()) return std::nullopt;
    return chosen;
  }
  last_answer = leader->HandleCollection(task_id, std::nullopt, body);
  if (!last_answer.is_success()) return std::nullopt;
  const std::string& location = last_answer.location;
  return Must(CollectionJobId::Parse(location.substr(location.rfind('/') + 1)));
}

std::optional<CollectedBatch> TwoAggregators::OpenAnswer(const CollectionJobReq& request,
                                                         const DapAnswer& answer) {
  if (answer.status != 200 || answer.body.empty()) return std::nullopt;
  return Must(
      collector_->Open(request, Must(CollectionJobResp::Parse(setup_.version, answer.body))));
}

std::optional<CollectedBatch> TwoAggregators::Collect(const CollectionJobReq& request) {
  PassInterval(request);
  const auto id = BeginCollection(request);
  if (!id) return std::nullopt;
  if (!Run()) return std::nullopt;
  last_answer = leader->HandleCollectionPoll(task_id, *id);
  return OpenAnswer(request, last_answer);
}

DapAnswer TwoAggregators::Dispatch(const ChannelRequest& request) {
  const std::string jobs = AggregationJobsPath(task_id);
  if (request.path == jobs && request.method == "POST") {
    return helper->HandleAggregationInit(task_id, std::nullopt, request.body);
  }
  if (request.path.starts_with(jobs + "/") && request.method == "PUT") {
    const auto id = AggregationJobId::Parse(request.path.substr(jobs.size() + 1));
    return helper->HandleAggregationInit(task_id, Must(id), request.body);
  }
  if (request.path == AggregateSharesPath(task_id) && request.method == "POST") {
    return helper->HandleAggregateShare(task_id, request.body);
  }
  return {.status = 404};
}

Result<DapAnswer> TwoAggregators::Exchange(const DapTask&, const ChannelRequest& request) {
  ++exchanges;
  if (lose_requests > 0) {
    --lose_requests;
    return Unavailable("the request was lost");
  }
  DapAnswer answer = Dispatch(request);
  if (watcher) watcher(request, answer);
  if (lose_answers > 0) {
    --lose_answers;
    return Unavailable("the answer was lost");
  }
  return answer;
}

}  // namespace salus::aggregate
