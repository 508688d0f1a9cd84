"""Other reports reproduced: a small file a study says what differs; its figures stand beside the printed ones."""
