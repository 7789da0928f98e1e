#include "gateway/books/layers.h"

#include "gateway/books/restate.h"

namespace carbongate::books {
namespace {

using model::Cause;
using model::EmissionEntry;

void describe(const EmissionEntry& newest, EmissionEntry& sum) {
  sum.begin = newest.begin;
  sum.end = newest.end;
  sum.covered = newest.covered;
  sum.bridged = newest.bridged;
  sum.quality = newest.quality;
  take_factor(newest.primary, sum.primary);
  sum.coal_factor_id = newest.coal_factor_id;
  if (!newest.market) return;
  if (!sum.market) sum.market.emplace();
  take_factor(*newest.market, *sum.market);
}

// `sum` and one revision more, whose description is the newest.
void lay_on(const EmissionEntry& revision, bool& has, EmissionEntry& sum) {
  if (has) {
    add(revision, sum);
  } else {
    sum = revision;
  }
  describe(revision, sum);
  has = true;
}

EmissionEntry empty_like(const EmissionEntry& entry) {
  EmissionEntry empty;
  empty.begin = entry.begin;
  empty.end = entry.end;
  return empty;
}

}  // namespace

EmissionEntry Layers::without_manual() const {
  EmissionEntry sum = computed;
  if (!has_computed && has_substituted) return substituted;
  if (has_substituted) add(substituted, sum);
  return sum;
}

EmissionEntry Layers::before_manual() const {
  if (!has_manual && has_substituted) return substituted;
  EmissionEntry sum = manual;
  if (has_substituted) add(substituted, sum);
  return sum;
}

EmissionEntry Layers::without_certificates() const {
  EmissionEntry sum = without_manual();
  if (has_manual && !has_computed && !has_substituted) {
    sum = manual;
  } else if (has_manual) {
    add(manual, sum);
  }
  sum.quality = newest_quality;
  return sum;
}

Layers layers_of(std::span<const EmissionEntry> revisions) {
  Layers layers;
  for (EmissionEntry* part : {&layers.computed, &layers.substituted, &layers.manual, &layers.certificates}) {
    *part = empty_like(revisions.front());
  }
  for (const EmissionEntry& revision : revisions) {
    layers.newest = revision.revision;
    layers.newest_quality = revision.quality;
    const Cause cause = revision.correction ? revision.correction->cause : Cause::late_data;
    if (cause == Cause::certificate) {
      lay_on(revision, layers.has_certificates, layers.certificates);
      layers.certificate_note = revision.correction->note;
    } else if (cause == Cause::manual) {
      if (layers.has_substituted) {
        lay_on(layers.substituted, layers.has_manual, layers.manual);
        layers.substituted = empty_like(revision);
        layers.has_substituted = false;
      }
      lay_on(revision, layers.has_manual, layers.manual);
    } else if (cause == Cause::substitution) {
      lay_on(revision, layers.has_substituted, layers.substituted);
    } else {
      const Duration covered = layers.has_computed ? layers.computed.covered : Duration::zero();
      if (layers.has_substituted && revision.covered > covered) {
        lay_on(layers.substituted, layers.has_computed, layers.computed);
        layers.substituted = empty_like(revision);
        layers.has_substituted = false;
      }
      lay_on(revision, layers.has_computed, layers.computed);
    }
  }
  return layers;
}

}  // namespace carbongate::books
