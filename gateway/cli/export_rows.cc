#include "gateway/cli/export_rows.h"

namespace carbongate::cli {

void RowExport::write(const model::StoredRow& row) {
  if (const auto* rollup = row.body.get_if<model::RollupRow>())
    gather(row, *rollup);
  else
    cells_.write(row);
}

// The revisions of one rollup follow each other; an open one comes alone.
void RowExport::gather(const model::StoredRow& row, const model::RollupRow& rollup) {
  const auto same = [&] {
    const model::Series& a = *latest_->series;
    const model::Series& b = *row.series;
    const auto& known = latest_->body.get<model::RollupRow>();
    return known.period == rollup.period && known.begin == rollup.begin && a.user == b.user && a.device == b.device &&
           a.point == b.point && a.carrier == b.carrier && row.sequence != 0;
  };
  if (latest_ && !same()) finish();
  if (!latest_) {
    const bool as_published = rollup.revision == 0;  // else nothing was published in time
    first_ = as_published ? rollup.emitted[model::Basis::primary].co2e : model::Co2e{};
  }
  latest_ = row;
}

void RowExport::finish() {
  if (!latest_) return;
  cells_.write(*latest_->series, latest_->body.get<model::RollupRow>(), latest_->sequence == 0, first_);
  latest_.reset();
}

}  // namespace carbongate::cli
