"""The page in the browser: photographs or the camera, their faces and what these express, all on one machine."""
