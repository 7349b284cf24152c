// SealAggregateShare and its kin are what both aggregators do with a batch that is collected.
//
// Source: DAP-18 sections 4.6.6 and 5; DAP-09 sections 4.5.4 and 4.5.5.
#pragma once

#include "aggregate/aggregator_task.h"
#include "aggregate/batch_bucket.h"
#include "aggregate/dap_collection.h"
#include "aggregate/hpke_ciphertext.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

// RangeOf is the buckets of an interval that IsBatchInterval, or of a batch; SelectorOf is what
// they were made of.
BucketRange RangeOf(const OpenTask& task, const DapBatchSelector& selector);
DapBatchSelector SelectorOf(const OpenTask& task, const BucketRange& range);

// SealAggregateShare seals a share to the collector, for this request of the collector's only.
//
// Errors: VerificationFailed where the collector's key is of small order.
Result<HpkeCiphertext> SealAggregateShare(const OpenTask& task, const CollectionJobReq& request,
                                          const DapBatchSelector& selector,
                                          const SecretBytes& share, RandomSource& random);

}  // namespace salus::aggregate
