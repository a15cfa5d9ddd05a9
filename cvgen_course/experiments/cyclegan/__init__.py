"""Full-size experiments of chapter 07: CycleGAN between two kinds of pictures."""
