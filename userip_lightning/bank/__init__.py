"""The feature bank: user → profile codes, versioned on disk, looked up in batches."""

from userip_lightning.bank.feature_bank import BankInfo, FeatureBank

__all__ = ["BankInfo", "FeatureBank"]
