"""Full-size experiments of chapter 04: PixelCNN, gated PixelCNN and PixelRNN on small pictures."""
