//! Known answers for the whole key chain, and the check of them on every crypto provider.
//!
//! ```text
//! NIST .fax --nist_fax--+
//!                       +--> LoadedFile --check(provider)--> FileOutcome --run--> lines or JSON
//! vectors/*/*.json -----+
//! ```
//!
//! The files have the shape of the Wycheproof project: `schema`, `source`, `generator`, `testGroups`, and in each
//! group `tests` with `tcId`, `comment`, `flags` and `result`. `vectors/README.md` describes the subjects.
//! Reading is strict: an unknown field, name, flag or result, a repeated `tcId`, a wrong count or an empty file is
//! an error that names the place; a value that comes out differently is a [`ValueFailure`] that shows both.
//!
//! Start at [`run`] for a report, at [`check_file`] for one file, at [`ChainFile`] to record a chain.

mod chain;
mod chain_check;
#[cfg(test)]
mod chain_tests;
mod check;
mod convert;
mod encryption;
#[cfg(test)]
mod encryption_tests;
mod error;
mod load;
mod model;
mod nist_fax;
mod primes;
mod record;
mod report;
mod sent;
mod signature;
#[cfg(test)]
mod tests;
mod transaction;
mod values;
mod write;

pub use chain::{
    ChainGroup, ChainInputError, ChainTest, EncryptedMessage, Exchange, Informational, InformationalInputs,
    InformationalValues, IpsecSaVector, PfsInputs, PhaseOneInputs, PhaseOneValues, QuickMode,
    QuickModeInputs, QuickModeValues, Side,
};
pub use check::{FileOutcome, ValueFailure, check_file};
pub use convert::{convert, convert_file};
pub use encryption::{ClearMessage, EncryptionInputs, EncryptionMethod, EncryptionValues, RsaKey};
pub use error::VectorError;
pub use load::{LoadedFile, default_files, default_root};
pub use model::{
    Authentication, CbcFile, CbcGroup, CbcTest, ChainFile, HmacFile, HmacGroup, HmacTest, PhaseOneKeysFile,
    PhaseOneKeysGroup, PhaseOneKeysTest, PrimeFile, PrimeGroup, PrimeTest, Subject, TestResult, VectorFile,
    schemas,
};
pub use nist_fax::parse_fax;
pub use primes::{modp_prime, scaled_pi};
pub use record::{RecordError, record_chain};
pub use report::run;
pub use signature::SignatureInputs;
pub use transaction::{Transaction, TransactionInputs, TransactionValues};
pub use values::{CipherName, GroupName, HashName, Hex};
pub use write::{to_json, write_file};
