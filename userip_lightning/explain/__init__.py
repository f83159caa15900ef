"""What codes mean: facts about every code and user of a finished experiment, and the page that shows them."""
