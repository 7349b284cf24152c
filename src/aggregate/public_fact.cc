#include "aggregate/public_fact.h"

namespace salus::aggregate {

bool PublicFact(bool fact) { return fact; }

}  // namespace salus::aggregate
