import rpds
