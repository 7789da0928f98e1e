// The exit status of a command that a fault of the store ends.
#pragma once

#include <sysexits.h>

#include "gateway/model/errors.h"

namespace carbongate::cli {

// The same of every command:
//   65 (EX_DATAERR)  the store is damaged
//   71 (EX_OSERR)    the system lets the process, or all of them, open no more files
//   74 (EX_IOERR)    it is not a store that this program reads: of a newer version, of another program, or of an older
//                    version that the gateway has not brought up to date yet
// `otherwise`: what the command calls all else.
int status_of(const model::Fault& fault, int otherwise = EX_IOERR);

}  // namespace carbongate::cli
