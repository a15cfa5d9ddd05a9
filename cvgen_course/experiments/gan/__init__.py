"""Full-size experiments of chapter 05: DCGAN and BigGAN on small pictures."""
