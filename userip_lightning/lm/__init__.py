"""The frozen language model: loading, prompt, 4-D mask, likelihood kernels, memory plan, hidden states."""
