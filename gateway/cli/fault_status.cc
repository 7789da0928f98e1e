#include "gateway/cli/fault_status.h"

#include <boost/system/errc.hpp>

namespace carbongate::cli {

namespace errc = boost::system::errc;

int status_of(const model::Fault& fault, int otherwise) {
  if (fault.code == errc::bad_message) return EX_DATAERR;
  if (fault.code == errc::too_many_files_open || fault.code == errc::too_many_files_open_in_system) return EX_OSERR;
  if (fault.code == errc::not_supported) return EX_IOERR;
  return otherwise;
}

}  // namespace carbongate::cli
