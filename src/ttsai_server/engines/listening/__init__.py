"""What engines that listen share."""
