"""Full-size experiments of chapter 03: a VAE, a VQ-VAE and an autoencoder on small pictures."""
