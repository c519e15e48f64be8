"""The models behind the networks; apart from them since importing `PreTrainedModel` takes seconds."""
