from .net import NeuralNet as NeuralNet
