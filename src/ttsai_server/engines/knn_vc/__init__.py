"""kNN-VC (Baas, van Niekerk & Kamper 2023): voice conversion with nearest neighbours."""
